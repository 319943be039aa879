-- cancel records `cancelled` for the jobs of some chunks that have no result and did not begin, as long as the batch is cancelled.
-- KEYS: meta, done, begun, texts, intern, then per chunk: results, work, side
-- ARGV: number of the first chunk, now, packed, message, hint
-- Returns: {jobs cancelled, 1 if a report is due}, or {n < 0}.
local m, bad = open(KEYS[1], 'jobs', 'cancelled', 'finished', 'reported')
if not m then return {bad} end
if not m[4] then return {0, 0} end
local jobs, n = tonumber(m[3]), 0
for c = 0, (#KEYS - 5) / 3 - 1 do
  local results, work, side = KEYS[6 + 3 * c], KEYS[7 + 3 * c], KEYS[8 + 3 * c]
  local keys = {side = side, texts = KEYS[4], intern = KEYS[5]}
  local first = (tonumber(ARGV[1]) + c) * 100
  local hand, flat, put, bits = {}, redis.call('HGETALL', work), {}, {}
  for i = 1, #flat, 2 do hand[flat[i]] = flat[i + 1] end
  for off = 0, math.min(99, jobs - first - 1) do
    local round = tonumber(hand['n' .. off] or 1)
    if redis.call('GETBIT', KEYS[2], first + off) == 0 and not hand['b' .. off]
        and (round > 1 or redis.call('GETBIT', KEYS[3], first + off) == 0) then
      put[#put + 1] = off
      put[#put + 1] = refs(keys, off, round, ARGV[3], '', ARGV[4], ARGV[5], '')
      bits[#bits + 1] = off
    end
  end
  if #bits > 0 then
    redis.call('HSET', results, unpack(put))
    for _, off in ipairs(bits) do
      redis.call('SETBIT', KEYS[2], first + off, 1)
      if hand['i' .. off] or hand['w' .. off] then redis.call('HDEL', work, 'i' .. off, 'w' .. off) end
    end
    n = n + #bits
  end
end
if n > 0 then
  redis.call('HINCRBY', KEYS[1], 'o' .. string.byte(ARGV[3], 1), n)
  redis.call('HINCRBY', KEYS[1], 'done', n)
  return {n, restate(KEYS[1], ARGV[2])}
end
if m[5] and not m[6] then return {0, 1} end
return {0, 0}
