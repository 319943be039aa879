-- remember notes something about a tracking, once: what stands there already stays.
-- KEYS: history
-- ARGV: field, value, milliseconds to keep the history for, field that is over by that, or ''
-- Returns: {1 if it was new, else 0}.
local new = redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
if new == 1 and ARGV[4] ~= '' then redis.call('HDEL', KEYS[1], ARGV[4]) end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return {new}
