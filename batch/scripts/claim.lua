-- claim gives an identity to a batch, if it has none or the one that is to be replaced.
-- KEYS: identity
-- ARGV: id to replace or '', new id
-- Returns: the id that holds the identity now.
local now = redis.call('GET', KEYS[1])
if not now or now == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
  return ARGV[2]
end
return now
