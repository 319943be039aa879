-- release frees an identity, if the batch still holds it.
-- KEYS: identity
-- ARGV: id
-- Returns: 1 freed, 0 not held.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
