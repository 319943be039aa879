-- hold takes a tracking for one job, for a while. The same job may take it again.
-- KEYS: hold
-- ARGV: owner, milliseconds
-- Returns: {1 if it is the owner's now, else 0}.
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return {0} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {1}
