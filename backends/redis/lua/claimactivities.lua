-- Claims of activities, see claim.lua.

local c = unpack(ARGV[FIRST])
local queues, names = set(c.queues), set(c.names)

local function suits(shard)
  local queue, name = shard:match('^a([^%z]*)%z(.*)$')
  return queues[queue] and names[name] or false, 0, false
end

-- lease begins an attempt. An expired lease counts as one.
local function lease(e, r, n, at, member)
  local lost = {}
  if r.tok then
    lost = {r.attempt or 0, r.holder, r.started}
    r.attempt = (r.attempt or 0) + 1
  end
  r.tok, r.holder, r.started, r.lease = c.token .. n, c.worker, NOW, NOW + c.lease
  saveActivity(e, r)
  if dropTimers(e, {string.format('%.0f/1', r.ref)}) then place(e) end
  return {at, member:sub(1, SERIAL), e.iid, e.eid, e.wf, pack(r), lost}
end

local out = {}
local sources, rest = gather(c.parts, 'aheads', suits, c.max or 0)
while #out < (c.max or 0) do
  local s, at, member = best(sources, 0)
  if not s then break end
  s.n = s.n + 2
  if c.peek then
    out[#out + 1] = {at, member:sub(1, SERIAL), 0}
  else
    local ref, id = member:sub(SERIAL + 1):match('^(%d+)/(.*)$')
    local e = load(s.p, id)
    out[#out + 1] = lease(e, activity(e, ref), #out, at, member)
  end
end
flush()
return {NOW, out, upcoming(rest, 'aheads', suits)}
