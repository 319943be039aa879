-- append takes up one chunk of jobs with their rows, and the results that are known already. The same chunk again changes nothing.
-- KEYS: meta, done, chunk, results, side, texts, intern
-- ARGV: first job, jobs in the chunk, rows up to its end, chunk (a version byte, 8 bytes of hash, data),
--       now, then per known result: offset, packed, slug, message, hint, long id
-- Returns: {jobs in the ledger, rows in the ledger}, or {n < 0}.
local m, bad = open(KEYS[1], 'jobs', 'rows', 'sealed', 'cancelled', 'trimmed')
if not m then return {bad} end
local first, jobs, rows = tonumber(ARGV[1]), tonumber(m[3]), tonumber(m[4])
if first < jobs then
  if m[7] then return {-9} end
  if redis.call('GETRANGE', KEYS[3], 0, 8) ~= string.sub(ARGV[4], 1, 9) then return {-5} end
  return {jobs, rows}
end
if m[6] then return {-7} end
if m[5] then return {-6} end
if first > jobs then return {-4} end

redis.call('SET', KEYS[3], ARGV[4])
local keys = {side = KEYS[5], texts = KEYS[6], intern = KEYS[7]}
local put, counts, done = {}, {}, 0
for i = 6, #ARGV, 6 do
  local off, packed = ARGV[i], ARGV[i + 1]
  put[#put + 1] = off
  put[#put + 1] = refs(keys, off, 1, packed, ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5])
  redis.call('SETBIT', KEYS[2], first + off, 1)
  local field = 'o' .. string.byte(packed, 1)
  counts[field] = (counts[field] or 0) + 1
  done = done + 1
end
if done > 0 then
  redis.call('HSET', KEYS[4], unpack(put))
  for field, n in pairs(counts) do redis.call('HINCRBY', KEYS[1], field, n) end
  redis.call('HINCRBY', KEYS[1], 'done', done)
end
jobs = redis.call('HINCRBY', KEYS[1], 'jobs', ARGV[2])
redis.call('HSET', KEYS[1], 'appended', ARGV[5])
if tonumber(ARGV[3]) > rows then
  rows = tonumber(ARGV[3])
  redis.call('HSET', KEYS[1], 'rows', ARGV[3])
end
return {jobs, rows}
