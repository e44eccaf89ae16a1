-- Messages between executions: k is c (create), d (deliver), t (terminate) or p (a
-- reply, pushed into the inbox of the execution that has sent); p is the partition
-- of the receiver. re says where replies go: the execution p/id, and the events for
-- yes and no.
--
-- A message to a partition of this server is applied at once. One to another joins
-- the outbox o:<to>, a stream whose ids only grow, and is applied there by whoever
-- pumps it, see receive. The ids follow the clock, so that a server that has lost
-- its last second doesn't use one again that a receiver has seen.

-- ends are closings of executions that have ended; drain makes them.
local ends, committing = {}, nil

local touched = {}
local function outbox(m)
  local b = base(HERE)
  local seq = math.max(tonumber(call('HGET', b .. 'sent', m.p) or 0) + 1, NOW)
  seq = string.format('%.0f', seq)
  call('HSET', b .. 'sent', m.p, seq)
  call('XADD', b .. 'o:' .. m.p, seq .. '-0', 'm', pack(m))
  call('SADD', b .. 'outboxes', m.p)
  touched[m.p] = true
end

local apply
local function send(m)
  if NEAR or m.p == HERE then return apply(m) end
  outbox(m)
end

local function clearBlock(e) e.block, e.class, e.retry = nil, nil, nil end
local function release(e) e.tok, e.holder, e.lease = nil, nil, nil end

-- finish makes an execution final: it deletes what is pending, and puts the closings
-- where drain finds them.
local function finish(e, status)
  if e.tok then hint('holder', e.holder, e) end
  hint('finished', e.iid, e)
  setStatus(e, status)
  e.updated, e.finished = NOW, NOW
  e.unread = (e.unread or 0) + (e.icount or 0)
  e.waiting, e.loc, e.paused = nil, nil, nil
  clearBlock(e)
  if e.acts then
    for _, r in ipairs(activities(e)) do takeActivity(e, r) end
    call('DEL', key(e, 'a'))
  end
  if e.closes then
    for _, c in ipairs(closings(e)) do
      if c.on == 'end' or status == 'terminated' then ends[#ends + 1] = c.m end
    end
    call('DEL', key(e, 'c'))
  end
  if (e.icount or 0) > 0 then call('DEL', key(e, 'b')) end
  if e.nt then call('DEL', key(e, 't'), key(e, 'u')) end
  e.icount, e.iquiet, e.nt, e.acts, e.closes = nil, nil, nil, nil, nil
  release(e)
  place(e)
end

local function terminateOne(e, m)
  appendChunk(e, m.ev, 1)
  e.err = m.err or e.err
  finish(e, 'terminated')
end

-- drain is a loop, because a chain of children can be longer than a stack is deep.
local function drain()
  local n = 1
  while ends[n] do
    local m = ends[n]
    n = n + 1
    send(m)
  end
  ends = {}
end

-- insert stores a new execution. Its inbox gets Started, Inbox and then moved. One
-- that begins paused has the note of the execution before it.
local function insert(m, moved, paused, note)
  local e = {
    p = m.p, id = m.id, iid = m.iid, eid = m.eid, first = m.first, wf = m.wf, queue = m.queue, status = 'running',
    created = NOW, updated = NOW, parent = m.parent, trace = m.trace, tags = m.tags, worker = '', paused = paused, note = note,
    seq = 0, bytes = 0, wake = NOW + (m.delay or 0), ser = serial(),
  }
  rows[key(e, 'x')] = e
  push(e, m.started)
  for _, ev in ipairs(m.inbox or {}) do push(e, ev, 'm') end
  for _, ev in ipairs(moved or {}) do
    push(e, ev, 'm')
    e.wake = NOW
  end
  if m.timers then setTimers(e, m.timers) end
  if m.closings then
    addClosings(e, m.closings)
    e.closes = true
  end
  call('RPUSH', base(e.p) .. 'r:' .. e.iid, e.id)
  list(e, 'all')
  list(e, 'st:running')
  list(e, 'wf:' .. e.wf)
  if e.parent then list(e, 'k:' .. e.parent[1]) end
  if m.etok then -- a worker of the creating process takes it at once
    e.tok, e.holder, e.lease = m.etok, m.eworker, NOW + m.elease
    place(e)
    return e
  end
  place(e)
  -- The hint goes out for a postponed one too: nobody else would tell the workers
  -- when to look.
  hint('workflows', e.queue)
  return e
end

local DEDUPE = 900000 -- milliseconds

-- create answers what it did, and the execution that exists now.
local function create(m)
  if load(m.p, m.id) then return 'ok', m.eid end
  local seen = base(m.p) .. 'y:' .. m.id
  local before = m.reuse == 'return_existing' and call('GET', seen)
  if before then return 'existed', before end
  local e = latest(m.p, m.iid)
  if e and open(e) then
    if m.reuse == 'return_existing' then
      for _, ev in ipairs(m.inbox or {}) do push(e, ev, 'm') end
      if m.inbox then wakeUp(e) end
      -- This execution will never exist, so a resend finds its answer here.
      call('SET', seen, e.eid, 'PX', DEDUPE)
      return 'existed', e.eid
    end
    if m.reuse ~= 'terminate_running' then return 'taken', e.eid, e.status end
    terminateOne(e, {ev = m.term})
    drain()
  elseif e and m.reuse == 'reject' then
    return 'taken', e.eid, e.status
  end
  if m.etok and call('EXISTS', base(m.p) .. 'n:' .. m.etok) == 1 then m.etok = nil end
  e = insert(m)
  if m.etok then return 'ok', m.eid, e.lease, arrivals(e) end
  return 'ok', m.eid
end

local function deliver(m)
  local e = find(m)
  if not e then return false end
  push(e, m.ev, not m.eid and 'm' or nil)
  wakeUp(e)
  return true
end

local function answer(re, event)
  if event then send({k = 'p', p = re.p, id = re.id, ev = event}) end
end

apply = function(m)
  if m.k == 'c' then
    if create(m) == 'taken' and m.re then answer(m.re, m.re.no) end
  elseif m.k == 'd' then
    local found = deliver(m)
    if m.re then answer(m.re, found and m.re.yes or not found and m.re.no) end
  elseif m.k == 't' then
    local e = find(m)
    if e then terminateOne(e, m) end
  else
    local e = load(m.p, m.id)
    if e and open(e) then
      push(e, m.ev)
      if e ~= committing then wakeUp(e) end
    end
  end
end
