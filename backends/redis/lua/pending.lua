-- What an execution has outside its history.

local m = unpack(ARGV[FIRST])
local e
if m.id then e = load(m.p, m.id) else e = latest(m.p, m.iid) end
if not e then return {NOW} end
local last = (m.limit or 0) - 1
local closed = {}
for i, c in ipairs(closings(e)) do closed[i] = pack(c) end
return {
  NOW, pack(e), inboxOf(e, m.limit or 0), timersOf(e, call('ZRANGE', key(e, 't'), 0, last, 'WITHSCORES')),
  call('HVALS', key(e, 'a')), closed, readyAt(e) or 0,
}
