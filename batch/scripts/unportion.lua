-- unportion removes the portion, if it is still the one of that name.
-- KEYS: portion
-- ARGV: name
-- Returns: {1 if it was, else 0}.
if redis.call('HGET', KEYS[1], 'name') ~= ARGV[1] then return {0} end
return {redis.call('DEL', KEYS[1])}
