-- cancel records `cancelled` for the jobs of some chunks that have no result and did not begin, as long as the batch is cancelled.
-- KEYS: meta, done, begun, texts, intern, then per chunk: results, work
-- ARGV: number of the first chunk, now, packed, message, hint
-- Returns: {jobs cancelled, 1 if a report is due}, or {n < 0}.
local m, bad = open(KEYS[1], 'jobs', 'cancelled', 'finished', 'reported')
if not m then return {bad} end
if not m[4] then return {0, 0} end
local jobs, n = tonumber(m[3]), 0
local keys = {texts = KEYS[4], intern = KEYS[5]}
local value = ARGV[3] .. '\0\0' .. shared(keys, ARGV[4], 65000) .. shared(keys, ARGV[5], 65000)
for c = 0, (#KEYS - 5) / 2 - 1 do
  local results, work = KEYS[6 + 2 * c], KEYS[7 + 2 * c]
  local first = (tonumber(ARGV[1]) + c) * 100
  local after = math.min(first + 100, jobs)
  local done, begun, hand = bits(KEYS[2], first, after), bits(KEYS[3], first, after), hashed(work)
  local put, gone = {}, {}
  for job = first, after - 1 do
    local off = job - first
    if not done(job) and not hand['b' .. off] and (hand['n' .. off] or not begun(job)) then
      put[#put + 1] = off
      put[#put + 1] = value
      if hand['i' .. off] then gone[#gone + 1] = 'i' .. off end
    end
  end
  if #put > 0 then
    redis.call('HSET', results, unpack(put))
    for i = 1, #put, 2 do redis.call('SETBIT', KEYS[2], first + put[i], 1) end
    if #gone > 0 then redis.call('HDEL', work, unpack(gone)) end
    n = n + #put / 2
  end
end
if n > 0 then
  redis.call('HINCRBY', KEYS[1], 'o' .. string.byte(ARGV[3], 1), n)
  redis.call('HINCRBY', KEYS[1], 'done', n)
  return {n, restate(KEYS[1], ARGV[2])}
end
if m[5] and not m[6] then return {0, 1} end
return {0, 0}
