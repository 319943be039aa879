-- budget gives an unfinished batch an error budget and judges it by that.
-- KEYS: meta
-- ARGV: budget, now
-- Returns: {1 if the batch is stopped for it now, else 0}, or {n < 0}.
local m, bad = open(KEYS[1], 'spent', 'finished')
if not m then return {bad} end
if m[4] then return {0} end
redis.call('HSET', KEYS[1], 'budget', ARGV[1])
if m[3] then
  redis.call('HDEL', KEYS[1], 'hold', 'reason', 'spent')
  restate(KEYS[1], ARGV[2])
end
return {overdraw(KEYS[1], ARGV[2])}
