-- create writes the meta of a new batch; an existing one is left alone.
-- KEYS: meta
-- ARGV: field, value, ...
-- Returns: 1 created, 0 there already, or {n < 0}.
if redis.call('EXISTS', KEYS[1]) == 1 then
  local m, bad = open(KEYS[1])
  if not m then return {bad} end
  return {0}
end
redis.call('HSET', KEYS[1], unpack(ARGV))
return {1}
