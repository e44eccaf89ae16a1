-- Claims of executions. Answers begin with since when each has been ready, and with
-- what orders those of one microsecond, so that a claim on a cluster can choose among
-- partitions. For that, one with c.peek answers nothing else and takes nothing.

local c = unpack(ARGV[FIRST])
local queues, workflows = set(c.queues), set(c.workflows)
local maxBlocked = c.maxBlocked or 0

local function suits(shard, fresh)
  local kind, queue, wf, worker, builds = shard:match('^(.)([^%z]*)%z([^%z]*)%z([^%z]*)%z(.*)$')
  if not queues[queue] or not workflows[wf] then return false end
  local blocked = kind ~= 'r'
  if blocked and maxBlocked <= 0 then return false end
  local excluded = c.build and ('\n' .. builds):find('\n' .. c.build .. '\n', 1, true) ~= nil or false
  if excluded ~= (kind == 't') then return false end
  local hold = worker ~= '' and worker ~= c.worker and fresh(worker) and HOLD or 0
  return true, hold, blocked
end

local function lease(e, n, at, member)
  e.tok, e.holder, e.lease = c.token .. n, c.worker, NOW + c.lease
  place(e)
  local refs = {}
  if (e.loc or 0) > 0 then refs = call('HKEYS', key(e, 'a')) end
  return {at, member:sub(1, SERIAL), pack(e), arrivals(e), refs}
end

-- take leases what is ready longest. Entries that lag behind a lease are put right,
-- and then it looks again.
local function take(limit)
  local out, stale, blockedLeft, rest = {}, true, maxBlocked, c.parts
  while stale and #out < limit do
    stale = false
    local sources
    sources, rest = gather(rest, 'heads', suits, limit - #out)
    while #out < limit do
      local s, at, member = best(sources, blockedLeft)
      if not s then break end
      s.n = s.n + 2
      local e = load(s.p, member:sub(SERIAL + 1))
      local ready = e and readyAt(e)
      if not e then
        leave(base(s.p), 'heads', s.shard, member)
      elseif c.peek then
        out[#out + 1] = {at, member:sub(1, SERIAL), s.blocked and 1 or 0}
        if s.blocked then blockedLeft = blockedLeft - 1 end
      elseif not ready or ready > NOW then
        place(e)
        stale = true
      elseif not (e.tok and e.lease > NOW) then
        if s.blocked then blockedLeft = blockedLeft - 1 end
        out[#out + 1] = lease(e, #out, at, member)
      end
    end
  end
  return out, rest
end

local tasks, rest = take(c.max or 0)
flush()
return {NOW, tasks, upcoming(rest, 'heads', suits)}
