-- await notes that a tracking waits for its retrack, or what is newly known of one that does.
-- KEYS: due, what
-- ARGV: tracking, milliseconds at which it is due, what is known of it, milliseconds to keep all that waits for
-- Returns: {1 if it did not wait before, else 0}.
local new = redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[4]) end
return {new}
