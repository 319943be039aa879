-- fail counts one more transient failure in a row of an account's class, across processes.
-- KEYS: failures
-- ARGV: now
-- Returns: {failures in a row}.
local n = redis.call('HINCRBY', KEYS[1], 'n', 1)
if n == 1 then redis.call('HSET', KEYS[1], 'since', ARGV[1]) end
return {n}
