-- A page of one list of a partition: for each execution its score, its place and its
-- row; with m.work also when it is ready and its activities. It begins behind the
-- place m.after of score m.at, if there is one.

local m = unpack(ARGV[FIRST])
local k, n = base(m.p) .. m.key, m.limit
local out = {}

local function add(score, member)
  local raw = call('GET', base(m.p) .. 'x:' .. member:sub(SERIAL + 1))
  if not raw then return end
  local row = {score, member, raw}
  if m.work then
    local e = unpack(raw)
    row[4] = readyAt(e) or 0
    row[5] = e.acts and not e.paused and call('HVALS', key(e, 'a')) or {}
  end
  out[#out + 1] = row
end

local from, to = m.from or '-inf', m.to or '+inf'
if m.at then
  -- Executions of the same microsecond are in the order of their places.
  local ties = call('ZRANGEBYSCORE', k, m.at, m.at)
  local first, last, step = 1, #ties, 1
  if m.reverse then first, last, step = #ties, 1, -1 end
  for i = first, last, step do
    local behind = m.reverse and ties[i] < m.after or not m.reverse and ties[i] > m.after
    if behind and #out < n then add(m.at, ties[i]) end
  end
  if m.reverse then to = '(' .. m.at else from = '(' .. m.at end
end
local list = {}
if #out < n then
  if m.reverse then
    list = call('ZREVRANGEBYSCORE', k, to, from, 'WITHSCORES', 'LIMIT', 0, n - #out)
  else
    list = call('ZRANGEBYSCORE', k, from, to, 'WITHSCORES', 'LIMIT', 0, n - #out)
  end
end
local more = #out + #list / 2 >= n and 1 or 0
for i = 1, #list, 2 do add(list[i + 1], list[i]) end
return {NOW, more, out}
