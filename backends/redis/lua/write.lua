-- All writes but claims. Each further argument is an item, and each is fenced on its
-- own: one refused item changes nothing and fails alone.

local function withOpen(m, change)
  local e = find(m)
  if not e then return {'missing'} end
  change(e)
  return {'ok'}
end

-- held returns an activity record if a token holds it. One that is gone, also
-- because its execution ended, is a lost lease.
local function held(m)
  local e = load(m.p, m.id)
  local r = e and e.acts and activity(e, m.ref)
  if r and r.tok and r.tok == m.tok then return e, r end
end

local ops = {commit = commit, extend = extend, look = look}

function ops.create(m) return {create(m)} end

-- adopt asks for the lease of a new execution whose creation got no answer. If there
-- is no execution it will not be leased like that any more: its creation may still be
-- on its way, and who asks gives up.
function ops.adopt(m)
  local e = load(m.p, m.id)
  if e then return committed(e, m.tok) end
  call('SET', base(m.p) .. 'n:' .. m.tok, '', 'PX', DEDUPE)
  return {'lost'}
end

function ops.deliver(m)
  local seen = m.did and base(m.p) .. 'd:' .. m.did
  if seen and call('EXISTS', seen) == 1 then return {'ok'} end
  if not deliver(m) then return {'missing'} end
  if seen then call('SET', seen, '', 'PX', DEDUPE) end
  return {'ok'}
end

function ops.terminate(m)
  return withOpen(m, function(e)
    terminateOne(e, m)
    drain()
  end)
end

-- note leaves what an operator has asked.
local function note(e, m)
  e.note, e.updated = {m.act, m.why or '', NOW}, NOW
  save(e)
end

function ops.pause(m)
  return withOpen(m, function(e)
    note(e, m)
    if (e.paused or false) == (m.paused or false) then return end
    e.paused = m.paused
    place(e)
    announce(e)
    if e.acts then
      for _, r in ipairs(activities(e)) do placeActivity(e, r) end
    end
  end)
end

function ops.retry(m)
  return withOpen(m, function(e)
    note(e, m)
    e.builds, e.retry = nil, nil
    if m.drop and replace(e, m.drop, m.ev) then
      wakeUp(e)
      return
    end
    place(e)
    announce(e)
  end)
end

function ops.remove(m)
  local e = load(m.p, m.id)
  if not e then return {'missing'} end
  if open(e) then return {'open', e.status} end
  for _, name in ipairs({'all', 'st:' .. e.status, 'wf:' .. e.wf, e.parent and 'k:' .. e.parent[1]}) do unlist(e, name) end
  call('LREM', base(e.p) .. 'r:' .. e.iid, 1, e.id)
  call('DEL', key(e, 'x'), key(e, 'h'))
  rows[key(e, 'x')], dirty[e] = false, nil
  return {'ok'}
end

function ops.endActivity(m)
  local e, r = held(m)
  if not e then return {'lost'} end
  if m.again then
    r.tok, r.holder, r.lease, r.started = nil, nil, nil, nil
    r.attempt, r.at, r.err = m.again, NOW + (m.after or 0), m.err
    saveActivity(e, r)
  else
    dropActivity(e, m.ref)
  end
  for _, ev in ipairs(m.events or {}) do push(e, ev, m.quiet and 'q' or nil) end
  if m.events and not m.quiet then wakeUp(e) end
  return {'ok'}
end

function ops.extendActivity(m)
  local e, r = held(m)
  if not e then return {'lost'} end
  r.lease = NOW + m.lease
  r.details = m.details or r.details
  saveActivity(e, r)
  return {'ok'}
end

-- Every partition knows when it has seen a worker, because claims ask for that; the
-- first one keeps the whole row.
function ops.heartbeat(m)
  local b = base(m.p)
  if m.stopped then
    call('HDEL', b .. 'seen', m.id)
    call('HDEL', b .. 'workers', m.id)
    return {'ok'}
  end
  call('HSET', b .. 'seen', m.id, string.format('%.0f', NOW))
  if m.row then call('HSET', b .. 'workers', m.id, m.row) end
  local all = call('HGETALL', b .. 'seen')
  for i = 1, #all, 2 do
    if NOW - tonumber(all[i + 1]) > 24 * 3600 * 1000000 then
      call('HDEL', b .. 'seen', all[i])
      call('HDEL', b .. 'workers', all[i])
    end
  end
  return {'ok'}
end

-- receive applies messages of another partition's outbox, in order. What was applied
-- before is skipped, whatever has become of its execution since.
function ops.receive(m)
  local b = base(m.p)
  local last = tonumber(call('HGET', b .. 'applied', m.from) or 0)
  for i = 1, #m.list, 2 do
    local seq = tonumber(m.list[i])
    if seq > last then
      send(unpack(m.list[i + 1]))
      drain()
      last = seq
    end
  end
  call('HSET', b .. 'applied', m.from, string.format('%.0f', last))
  return {'ok'}
end

-- acknowledge deletes what the receiver has applied.
function ops.acknowledge(m)
  local k = base(m.p) .. 'o:' .. m.to
  call('XTRIM', k, 'MINID', string.format('%.0f-0', tonumber(m.seq) + 1))
  if call('XLEN', k) == 0 then
    call('DEL', k)
    call('SREM', base(m.p) .. 'outboxes', m.to)
  else
    touched[m.to] = true
  end
  return {'ok'}
end

-- pump asks for what waits in the outboxes.
function ops.pump(m)
  for _, to in ipairs(call('SMEMBERS', base(m.p) .. 'outboxes')) do touched[to] = true end
  return {'ok'}
end

local out = {}
for i = FIRST, #ARGV do
  local m = unpack(ARGV[i])
  out[#out + 1] = ops[m.op](m)
end
flush()
local listeners = publish()
local waiting = {}
for to in pairs(touched) do
  local list = {}
  for _, entry in ipairs(call('XRANGE', base(HERE) .. 'o:' .. to, '-', '+', 'COUNT', 100)) do
    list[#list + 1] = entry[1]:match('^%d+')
    list[#list + 1] = entry[2][2]
  end
  waiting[#waiting + 1] = {to, list}
end
return {NOW, out, hints, waiting, listeners}
