-- awaited carries out what was decided about trackings that wait for their retrack. One of which something else is known by
-- now is left as it is. Those that are taken leave the others and become the portion, of which there is one at a time.
-- KEYS: due, what, portion
-- ARGV: name of the portion, milliseconds to keep it for, and for each tracking: take, drop or wait; the tracking; what is
--   known of it; when it is due
-- Returns: {how many were taken}, {-11} if there is a portion already.
if redis.call('EXISTS', KEYS[3]) == 1 then return {-11} end
local taken = 0
for i = 3, #ARGV, 4 do
  local act, id, text = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if redis.call('ZSCORE', KEYS[1], id) and redis.call('HGET', KEYS[2], id) == text then
    if act == 'wait' then
      redis.call('ZADD', KEYS[1], ARGV[i + 3], id)
    else
      if act == 'take' then
        taken = taken + redis.call('HSET', KEYS[3], 'id:' .. id, text)
      end
      redis.call('ZREM', KEYS[1], id)
      redis.call('HDEL', KEYS[2], id)
    end
  end
end
if taken > 0 then
  redis.call('HSET', KEYS[3], 'name', ARGV[1])
  redis.call('PEXPIRE', KEYS[3], ARGV[2])
end
return {taken}
