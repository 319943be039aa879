-- takeday takes trackings into a day's share, as far as it goes. One that is in it already stays so and counts once.
-- KEYS: share
-- ARGV: most, milliseconds to keep the share for, trackings...
-- Returns: {1 if it is in the share, else 0} for each tracking.
local n, out = redis.call('SCARD', KEYS[1]), {}
for i = 3, #ARGV do
  local has = redis.call('SISMEMBER', KEYS[1], ARGV[i])
  if has == 0 and n < tonumber(ARGV[1]) then
    redis.call('SADD', KEYS[1], ARGV[i])
    n, has = n + 1, 1
  end
  out[i - 2] = has
end
if n > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return out
