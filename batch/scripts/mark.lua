-- mark says that a batch is about to lose its rows (trimmed) or all of itself (purging).
-- KEYS: meta
-- ARGV: trimmed or purging, now
-- Returns: {jobs}, or {n < 0}. Only what has finished is trimmed.
local m = redis.call('HMGET', KEYS[1], 'v', 'jobs', 'finished')
if not m[1] then return {-1} end
if m[1] ~= '1' and m[1] ~= '2' then return {-2} end
if ARGV[1] == 'trimmed' and not m[3] then return {-10} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return {tonumber(m[2])}
