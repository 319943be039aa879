-- control changes what a batch may do as a whole.
-- KEYS: meta
-- ARGV: pause, stop, resume, cancel, reported or told; now; reason, or what was told
-- Returns: {1 if a report is due}, or {n < 0}.
local m, bad = open(KEYS[1], 'cancelled', 'finished', 'hold', 'sealed', 'budget')
if not m then return {bad} end
local act = ARGV[1]
if act == 'reported' then
  if m[4] then redis.call('HSET', KEYS[1], 'reported', ARGV[2]) end
elseif act == 'told' then
  redis.call('HSET', KEYS[1], 'told', ARGV[3])
  return {0}
elseif act == 'cancel' then
  if m[4] and not m[3] then return {-8} end
  if not m[4] and not m[3] then redis.call('HSET', KEYS[1], 'cancelled', ARGV[2], 'sealed', 1) end
  redis.call('HDEL', KEYS[1], 'hold', 'reason', 'spent')
else
  if m[3] then return {-7} end
  if m[4] then return {-8} end
  if act == 'pause' then
    redis.call('HSET', KEYS[1], 'hold', 'paused', 'reason', ARGV[3])
    redis.call('HDEL', KEYS[1], 'spent')
  elseif act == 'resume' then
    redis.call('HDEL', KEYS[1], 'hold', 'reason', 'spent')
    if m[7] then renew(KEYS[1]) end
  elseif m[5] ~= 'paused' then redis.call('HSET', KEYS[1], 'hold', 'stopped', 'reason', ARGV[3]) end
end
return {restate(KEYS[1], ARGV[2])}
