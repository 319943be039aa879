-- audit reads at one moment everything that has to add up.
-- KEYS: meta, done
-- ARGV: -
-- Returns: {jobs, done, bits in the done bitmap, field, count, ...}, or {n < 0}. Writes nothing.
local m, bad = open(KEYS[1], 'jobs', 'done')
if not m then return {bad} end
local answer = {tonumber(m[3]), tonumber(m[4]), redis.call('BITCOUNT', KEYS[2])}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if string.find(all[i], '^o%d+$') then
    answer[#answer + 1] = all[i]
    answer[#answer + 1] = tonumber(all[i + 1])
  end
end
return answer
