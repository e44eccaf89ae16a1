-- What belongs to an execution besides its row:
--   h:<id>  its history: a stream with one entry for each chunk, whose id is the
--           first sequence number
--   b:<id>  its inbox: a sorted set by row id of flag, id, ':' and event; the flag
--           is m for what moves to the next execution, q for what came quietly
--   t:<id>  its timers: a sorted set of "ref/slot" by due time; u:<id> their events
--   a:<id>  its activities: a hash of records by ref
--   c:<id>  its closings: a sorted set of serial number and record by ref

local function appendChunk(e, events, count)
  call('XADD', key(e, 'h'), string.format('%.0f-0', e.seq + 1), 'n', count, 'e', events)
  e.seq = e.seq + count
  e.bytes = e.bytes + #events
end

local function push(e, event, flag)
  local n = (e.inext or 0) + 1
  e.inext, e.icount = n, (e.icount or 0) + 1
  if flag == 'q' then e.iquiet = (e.iquiet or 0) + 1 end
  call('ZADD', key(e, 'b'), n, (flag or '-') .. string.format('%.0f', n) .. ':' .. event)
  save(e)
end

-- wakeUp makes an execution ready now, because of what was pushed.
local function wakeUp(e)
  if not e.tok then
    e.wake = earliest(e.wake, NOW)
    if e.floor and e.floor > NOW then e.floor = NOW end
  end
  place(e)
  announce(e)
end

local function splitRow(member)
  local flag, id, at = member:match('^(.)(%d+):()')
  return flag, id, member:sub(at)
end

-- replace puts an event in the place of that of an inbox row, and tells whether there
-- is such a row. The new one does not come quietly.
local function replace(e, id, event)
  local k = key(e, 'b')
  local old = call('ZRANGEBYSCORE', k, id, id)[1]
  if not old then return false end
  local flag, number = splitRow(old)
  if flag == 'q' then
    e.iquiet, flag = e.iquiet - 1, '-'
  end
  call('ZREM', k, old)
  call('ZADD', k, id, flag .. number .. ':' .. event)
  return true
end

-- consume deletes exactly the rows with these ids. A holder reads from the front, so
-- they nearly always are one run.
local function consume(e, ids)
  local k, n = key(e, 'b'), 1
  table.sort(ids)
  while n <= #ids do
    local from, to = ids[n], ids[n]
    while ids[n + 1] and ids[n + 1] <= to + 1 do
      n = n + 1
      to = ids[n]
    end
    if (e.iquiet or 0) > 0 then
      for _, member in ipairs(call('ZRANGEBYSCORE', k, from, to)) do
        if member:sub(1, 1) == 'q' then e.iquiet = e.iquiet - 1 end
      end
    end
    e.icount = (e.icount or 0) - call('ZREMRANGEBYSCORE', k, from, to)
    n = n + 1
  end
end

local function nextTimer(e)
  local first = call('ZRANGE', key(e, 't'), 0, 0, 'WITHSCORES')
  e.nt = first[2] and tonumber(first[2])
end

local function setTimers(e, timers)
  for _, t in ipairs(timers) do
    call('ZADD', key(e, 't'), t.due or NOW + t.after, t.key)
    call('HSET', key(e, 'u'), t.key, t.ev)
  end
  nextTimer(e)
end

local function dropTimers(e, keys)
  if not e.nt then return end
  local n = 0
  for _, k in ipairs(keys) do
    n = n + call('ZREM', key(e, 't'), k)
    call('HDEL', key(e, 'u'), k)
  end
  if n > 0 then nextTimer(e) end
  return n > 0
end

local function timersOf(e, entries)
  local out = {}
  for i = 1, #entries, 2 do
    out[#out + 1] = entries[i]
    out[#out + 1] = tonumber(entries[i + 1])
    out[#out + 1] = call('HGET', key(e, 'u'), entries[i])
  end
  return out
end

local function inboxOf(e, limit)
  local out = {}
  for _, member in ipairs(call('ZRANGE', key(e, 'b'), 0, limit - 1)) do
    local _, id, event = splitRow(member)
    out[#out + 1] = id
    out[#out + 1] = event
  end
  return out
end

local MAX_INBOX = 1000

-- arrivals is what the holder is told: paused, next timer, more, inbox, timers.
local function arrivals(e)
  local a = {e.paused and 1 or 0, e.nt or 0, 0, {}, {}}
  if (e.icount or 0) > 0 then
    a[4] = inboxOf(e, MAX_INBOX)
    if e.icount > MAX_INBOX then a[3] = 1 end
  end
  if e.nt and e.nt <= NOW then
    a[5] = timersOf(e, call('ZRANGEBYSCORE', key(e, 't'), '-inf', NOW, 'WITHSCORES'))
    a[2] = tonumber(call('ZRANGEBYSCORE', key(e, 't'), '(' .. string.format('%.0f', NOW), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2] or 0)
  end
  return a
end

local function activity(e, ref)
  local raw = call('HGET', key(e, 'a'), ref)
  return raw and unpack(raw)
end

local function saveActivity(e, r)
  call('HSET', key(e, 'a'), r.ref, pack(r))
  placeActivity(e, r)
end

local function dropActivity(e, ref)
  local r = activity(e, ref)
  if r then
    takeActivity(e, r)
    call('HDEL', key(e, 'a'), ref)
  end
end

local function activities(e)
  local all = {}
  for _, raw in ipairs(call('HVALS', key(e, 'a'))) do all[#all + 1] = unpack(raw) end
  return all
end

local function addClosings(e, closings)
  for _, c in ipairs(closings) do call('ZADD', key(e, 'c'), c.ref or 0, serial() .. pack(c)) end
end

-- closings are in the order in which they were added, whatever their refs.
local function closings(e)
  local all = call('ZRANGE', key(e, 'c'), 0, -1)
  table.sort(all)
  for i, member in ipairs(all) do all[i] = unpack(member:sub(SERIAL + 1)) end
  return all
end

-- An execution is listed under all, its status, its workflow and its parent, by the
-- time of its creation.
local function list(e, name) call('ZADD', base(e.p) .. name, e.created, e.ser .. e.id) end
local function unlist(e, name) call('ZREM', base(e.p) .. name, e.ser .. e.id) end

local function setStatus(e, status)
  if e.status == status then return end
  unlist(e, 'st:' .. e.status)
  e.status = status
  list(e, 'st:' .. status)
end
