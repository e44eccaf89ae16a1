-- What every script begins with.
--
-- KEYS[1] is the key base of the partition that the script belongs to; every other
-- key is made from it, so that a cluster finds them all in one slot.
-- ARGV: prefix, tag of the partition, the time in microseconds (0: the server's),
-- a tick that orders what is created in the same microsecond, "1" if this server
-- holds all partitions, who is calling, or "" if nobody else listens to hints; then
-- what the script is about.
--
-- A row is one execution. It is kept as one msgpack map in the key x:<id>, loaded
-- once and written back once by each script. Absent fields are nil: zero, false or
-- never.
local PREFIX, HERE, NOW, TICK, NEAR, CALLER = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1', ARGV[6]
local FIRST = 7
if NOW == 0 then
  local t = redis.call('TIME')
  NOW = t[1] * 1000000 + t[2]
end
local call, pack, unpack = redis.call, cmsgpack.pack, cmsgpack.unpack
local FRESH = 30000000 -- how long after its heartbeat a worker counts as alive

local bases = {}
local function base(p)
  local b = bases[p]
  if not b then
    b = PREFIX .. ':{' .. p .. '}:'
    bases[p] = b
  end
  return b
end

local function key(e, kind) return base(e.p) .. kind .. ':' .. e.id end

-- serial numbers what is created, in order. It has a fixed width, because sorted
-- sets order what has one score by its bytes.
local created = 0
local function serial()
  created = created + 1
  return TICK .. string.format('%05x', created)
end
local SERIAL = #TICK + 5

local rows, dirty = {}, {}
local function load(p, id)
  local k = base(p) .. 'x:' .. id
  local e = rows[k]
  if e == nil then
    local raw = call('GET', k)
    e = raw and unpack(raw)
    rows[k] = e
  end
  return e
end

local function save(e) dirty[e] = true end

local function flush()
  for e in pairs(dirty) do call('SET', key(e, 'x'), pack(e)) end
end

local function latest(p, iid)
  local id = call('LINDEX', base(p) .. 'r:' .. iid, -1)
  return id and load(p, id)
end

local function open(e) return e.status == 'running' or e.status == 'blocked' end

-- find returns the open execution that has an address.
local function find(m)
  local e = latest(m.p, m.iid)
  if e and open(e) and (not m.eid or m.eid == e.eid) and (not m.first or m.first == e.first) then return e end
end

local hints, hinted = {}, {}
local function hint(kind, name, e)
  local h = kind .. '\0' .. name .. '\0' .. (e and e.iid or '') .. '\0' .. (e and e.eid or '')
  if not hinted[h] then
    hinted[h] = true
    hints[#hints + 1] = h
  end
end

-- publish tells other processes what this script did, and answers how many listened
-- on this server, or -1 if it did not ask.
local function publish()
  if #hints == 0 or CALLER == '' then return -1 end
  return call('PUBLISH', PREFIX .. ':hints', CALLER .. '\1' .. table.concat(hints, '\1'))
end

local function earliest(a, b)
  if not a or b and b < a then return b end
  return a
end
