-- ids keeps tracking ids that a look-up found, for pending jobs of one chunk.
-- KEYS: meta, done, work
-- ARGV: first job of the chunk, then per job: offset, id
-- Returns: {ids kept}, or {n < 0}.
local m, bad = open(KEYS[1], 'jobs')
if not m then return {bad} end
local first, kept = tonumber(ARGV[1]), 0
for i = 2, #ARGV, 2 do
  local job = first + ARGV[i]
  if job >= tonumber(m[3]) then return {-3} end
  if redis.call('GETBIT', KEYS[2], job) == 0 then
    redis.call('HSET', KEYS[3], 'i' .. ARGV[i], ARGV[i + 1])
    kept = kept + 1
  end
end
return {kept}
