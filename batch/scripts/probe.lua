-- probe gives the right to try once, to one process in a while.
-- KEYS: failures, or another hash
-- ARGV: now, milliseconds between tries
-- Returns: {1 if the caller may try, else 0}.
local last, now = tonumber(redis.call('HGET', KEYS[1], 'probe') or 0), tonumber(ARGV[1])
if now < last + tonumber(ARGV[2]) and now >= last then return {0} end
redis.call('HSET', KEYS[1], 'probe', ARGV[1])
return {1}
