-- unhold gives a tracking back, if it is still the owner's.
-- KEYS: hold
-- ARGV: owner
-- Returns: {1 if it was given back, else 0}.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {0} end
redis.call('DEL', KEYS[1])
return {1}
