-- Steps of executions.

local function committed(e, token)
  return {'ok', e.tok and e.tok == token and e.lease or 0, arrivals(e)}
end

local function summarize(e, c)
  e.loc = c.loc
  e.worker, e.build, e.waiting, e.attempt = c.worker or '', c.build, c.waiting, c.attempt
  e.tags = c.tags or e.tags
  e.line = c.line or e.line
  e.err = c.err or e.err
end

-- Builds are a text with a line break behind each.
local function allow(e, build)
  local kept = {}
  for b in (e.builds or ''):gmatch('[^\n]+') do
    if b ~= build then kept[#kept + 1] = b end
  end
  return kept
end

local function setBuilds(e, list)
  while #list > 8 do table.remove(list, 1) end
  e.builds = #list > 0 and table.concat(list, '\n') .. '\n' or nil
end

-- block parks an execution and gives its lease back.
local function block(e, b)
  for _, ev in ipairs(b.keep or {}) do push(e, ev) end
  setStatus(e, 'blocked')
  e.block, e.class = b.reason, b.class
  if b.build then
    local list = allow(e, b.build)
    list[#list + 1] = b.build
    setBuilds(e, list)
  end
  e.wake = NOW
  e.retry = b.again and NOW + b.again
  release(e)
  place(e)
  announce(e)
end

-- conclude ends an execution at its holder's wish, and begins the next one at
-- continue-as-new.
local function conclude(e, c)
  local moved, paused, note = {}, e.paused, e.paused and e.note or nil
  if c.next then
    for _, member in ipairs(call('ZRANGE', key(e, 'b'), 0, -1)) do
      local flag, _, event = splitRow(member)
      if flag == 'm' then moved[#moved + 1] = event end
    end
    e.icount = (e.icount or 0) - #moved
    call('DEL', key(e, 'b'))
  end
  release(e) -- its holder knows
  finish(e, c.status)
  if c.next then insert(c.next, moved, paused, note) end
  drain()
end

-- workFor tells whether an execution could be claimed at once if nobody held it.
local function workFor(e) return not e.paused and (hasWork(e) or e.nt and e.nt <= NOW) end

-- carryOn keeps the lease or gives it back. The build that took this step can run
-- the execution; the verdict on other builds stays, or they would block it again in
-- turns.
local function carryOn(e, c)
  setStatus(e, 'running')
  clearBlock(e)
  if e.builds then setBuilds(e, allow(e, c.build)) end
  e.wake = nil
  if c.lease and (not c.ifReady or workFor(e)) then
    e.lease = NOW + c.lease
    place(e)
    return
  end
  release(e)
  if hasWork(e) then e.wake = NOW end
  e.floor = NOW + (c.after or 0)
  place(e)
  announce(e)
end

local function changeRows(e, c)
  if c.consume then consume(e, c.consume) end
  if c.dropTimers then dropTimers(e, c.dropTimers) end
  if c.timers then setTimers(e, c.timers) end
  for _, ref in ipairs(c.dropActivities or {}) do dropActivity(e, ref) end
  for _, r in ipairs(c.activities or {}) do
    dropActivity(e, r.ref)
    r.at, r.after, r.ser, e.acts = NOW + (r.after or 0), nil, serial(), true
    saveActivity(e, r)
  end
  for _, ref in ipairs(c.dropClosings or {}) do call('ZREMRANGEBYSCORE', key(e, 'c'), ref, ref) end
  if c.closings then
    addClosings(e, c.closings)
    e.closes = true
  end
end

local function commit(c)
  local e = load(c.p, c.id)
  if e and c.step and c.step == e.step then return committed(e, c.tok) end
  if not e or not e.tok or e.tok ~= c.tok or e.seq ~= (c.seq or 0) then return {'lost'} end
  committing = e
  e.step = c.step
  if c.n then appendChunk(e, c.ev, c.n) end
  changeRows(e, c)
  e.updated = NOW
  summarize(e, c)
  for _, m in ipairs(c.sends or {}) do send(m) end
  committing = nil
  if not open(e) then -- what it sent has terminated it
    place(e)
  elseif c.block then
    block(e, c.block)
  elseif c.status == 'running' then
    carryOn(e, c)
  else
    conclude(e, c)
  end
  return committed(e, c.tok)
end

-- look tells a holder what has come in.
local function look(c)
  local e = load(c.p, c.id)
  if not e then return {'lost'} end
  return committed(e, c.tok)
end

local function extend(c)
  local e = load(c.p, c.id)
  if not e or not e.tok or e.tok ~= c.tok then return {'lost'} end
  e.lease = NOW + c.lease
  place(e)
  return committed(e, c.tok)
end
