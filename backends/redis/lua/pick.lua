-- How claims find what is ready longest.

local HOLD = 200000 -- how long the worker that ran an execution last is preferred

local function set(list)
  local s = {}
  for _, v in ipairs(list or {}) do s[v] = true end
  return s
end

local function seenLately(b)
  local known = {}
  return function(worker)
    if known[worker] == nil then
      local seen = call('HGET', b .. 'seen', worker)
      known[worker] = seen and NOW - tonumber(seen) <= FRESH or false
    end
    return known[worker]
  end
end

-- mend puts right a head that is earlier than its shard. It answers the true time.
local function mend(b, heads, shard, at)
  local first = call('ZRANGE', b .. 's:' .. shard, 0, 0, 'WITHSCORES')
  local exact = first[2] and tonumber(first[2])
  if not exact then
    call('ZREM', b .. heads, shard)
  elseif exact ~= at then
    call('ZADD', b .. heads, exact, shard)
  end
  return exact
end

-- headsOf returns shards by a lower bound of their first entry's time: all that may
-- be ready, and more up to LOOK.
local LOOK = 32
local function headsOf(b, heads)
  local list = call('ZRANGE', b .. heads, 0, LOOK - 1, 'WITHSCORES')
  if #list == 2 * LOOK and tonumber(list[#list]) <= NOW then
    return call('ZRANGEBYSCORE', b .. heads, '-inf', NOW, 'WITHSCORES')
  end
  return list
end

-- gather returns the shards with ready entries that a claim may take from, and the
-- partitions that have any shards, ready or not. suits says of a shard whether it
-- may, and if so how long to leave it alone and whether it is of blocked executions.
local function gather(parts, heads, suits, limit)
  local sources, rest = {}, {}
  for _, p in ipairs(parts) do
    local b = base(p)
    local list = headsOf(b, heads)
    local fresh = #list > 0 and seenLately(b)
    if fresh then rest[#rest + 1] = p end
    for i = 1, #list, 2 do
      local shard = list[i]
      if tonumber(list[i + 1]) > NOW then break end
      local ok, hold, blocked = suits(shard, fresh)
      if ok then
        local entries = call('ZRANGEBYSCORE', b .. 's:' .. shard, '-inf', NOW - hold, 'WITHSCORES', 'LIMIT', 0, limit)
        if #entries > 0 then
          sources[#sources + 1] = {p = p, shard = shard, entries = entries, blocked = blocked, n = 1}
        else
          mend(b, heads, shard, tonumber(list[i + 1]))
        end
      end
    end
  end
  return sources, rest
end

-- best returns the source whose next entry is ready longest.
local function best(sources, blockedLeft)
  local found, at, member
  for _, s in ipairs(sources) do
    local m, a = s.entries[s.n], tonumber(s.entries[s.n + 1] or 0)
    if m and not (s.blocked and blockedLeft <= 0) and (not found or a < at or a == at and m < member) then
      found, at, member = s, a, m
    end
  end
  return found, at, member
end

-- upcoming returns when more will be ready. It may be early: behind LOOK shards it
-- does not look what they are for.
local function upcoming(parts, heads, suits)
  local soonest
  for _, p in ipairs(parts) do
    local b = base(p)
    local fresh = seenLately(b)
    local list = call('ZRANGE', b .. heads, 0, LOOK - 1, 'WITHSCORES')
    for i = 1, #list, 2 do
      local bound = tonumber(list[i + 1])
      local ok, hold = suits(list[i], fresh)
      local at = ok and mend(b, heads, list[i], bound)
      if at then soonest = earliest(soonest, math.max(NOW, at + hold)) end
      if i + 1 == 2 * LOOK then soonest = earliest(soonest, math.max(NOW, bound)) end
      if at and at > NOW then break end
    end
  end
  return soonest or 0
end
