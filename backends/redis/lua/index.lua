-- The index of what is ready.
--
-- It is divided into shards so finely that whatever a claim may not take is a whole
-- shard: a claim never steps over an entry that is ready but not for it. A shard
-- s:<name> is a sorted set of entries by the time they are ready. heads and aheads
-- (of activities) hold the shards by a lower bound of their first entry's time: it
-- may be early, and a claim that finds it so puts it right.
--
-- While an execution is leased, its entry may be earlier than the end of the lease,
-- so that a holder that commits a thousand steps does not move it a thousand times.
-- A claim that meets such an entry puts it right and goes on.

local function enter(b, heads, shard, member, at)
  call('ZADD', b .. 's:' .. shard, at, member)
  call('ZADD', b .. heads, 'LT', at, shard)
end

-- leave also forgets a shard that it leaves empty, so that workers and builds of the
-- past cost nothing.
local function leave(b, heads, shard, member)
  call('ZREM', b .. 's:' .. shard, member)
  if call('EXISTS', b .. 's:' .. shard) == 0 then call('ZREM', b .. heads, shard) end
end

local function hasWork(e) return (e.loc or 0) > 0 or (e.icount or 0) > (e.iquiet or 0) end

-- readyAt is when a claim may take an execution; nil if nothing wakes it.
local function readyAt(e)
  if not open(e) or e.paused then return nil end
  if e.status == 'blocked' then return e.tok and e.lease or e.wake end
  if e.tok then
    if hasWork(e) then return e.lease end
    return e.nt and math.max(e.lease, e.nt)
  end
  local at = earliest(e.wake, e.nt)
  return at and math.max(at, e.floor or 0)
end

-- Kinds of shards: r, ready for any build but the shard's; b, blocked, likewise;
-- t, blocked and to be tried again by the shard's builds.
local function shardOf(kind, e)
  local worker = kind == 'r' and e.worker or ''
  return kind .. e.queue .. '\0' .. e.wf .. '\0' .. worker .. '\0' .. (e.builds or '')
end

local function move(e, shardField, atField, shard, at)
  local old = e[shardField]
  if old and (not at or old ~= shard) then leave(base(e.p), 'heads', old, e.ser .. e.id) end
  if not at then
    e[shardField], e[atField] = nil, nil
  elseif old ~= shard or e[atField] ~= at then
    enter(base(e.p), 'heads', shard, e.ser .. e.id, at)
    e[shardField], e[atField] = shard, at
  end
end

-- place updates the index after any change of an execution.
local function place(e)
  save(e)
  local at, again = readyAt(e), nil
  if e.status ~= 'blocked' then
    local shard = shardOf('r', e)
    local lags = e.tok and e.shard == shard and e.at > NOW and (not at or at > e.at and e.at - NOW >= (at - NOW) / 2)
    if not lags then move(e, 'shard', 'at', shard, at) end
  else
    move(e, 'shard', 'at', shardOf('b', e), at)
    again = at and e.retry and math.max(e.retry, at)
  end
  if again or e.shard2 then move(e, 'shard2', 'at2', shardOf('t', e), again) end
end

-- announce tells who may care that an execution has something new: its holder, and
-- if it can be claimed, the workers of its queue.
local function announce(e)
  if e.tok then hint('holder', e.holder, e) end
  if e.shard and e.at <= NOW then hint('workflows', e.queue) end
end

local function placeActivity(e, r)
  local b, shard, member = base(e.p), 'a' .. r.queue .. '\0' .. r.name, r.ser .. r.ref .. '/' .. e.id
  local at = r.tok and r.lease or r.at
  if e.paused then
    leave(b, 'aheads', shard, member)
    return
  end
  enter(b, 'aheads', shard, member, at)
  -- Also for one that waits: nobody else would tell the workers when to look.
  if not r.tok then hint('activities', r.queue) end
end

local function takeActivity(e, r)
  leave(base(e.p), 'aheads', 'a' .. r.queue .. '\0' .. r.name, r.ser .. r.ref .. '/' .. e.id)
end
