-- record stores the result of a job: the first one of its round, and of no older round.
-- KEYS: meta, done, begun, results, work, side, texts, intern
-- ARGV: job, offset, round, now, packed, slug, message, hint, long id
-- Returns: {1 if this is the round's result, 1 if a report is due, the job's round, 1 if it was one failure too many}, or {n < 0}.
local m, bad = open(KEYS[1], 'jobs', 'sealed', 'finished', 'reported', 'budget')
if not m then return {bad} end
local job, off = tonumber(ARGV[1]), ARGV[2]
if job >= tonumber(m[3]) then return {-3} end
local w = redis.call('HMGET', KEYS[5], 'n' .. off, 'b' .. off, 'w' .. off, 'i' .. off, 'u' .. off)
local round = tonumber(w[1] or 1)
if round ~= tonumber(ARGV[3]) or redis.call('SETBIT', KEYS[2], job, 1) == 1 then
  if m[5] and not m[6] then return {0, 1, round, 0} end
  return {0, 0, round, 0}
end
local keys = {side = KEYS[6], texts = KEYS[7], intern = KEYS[8]}
redis.call('HSET', KEYS[4], off, refs(keys, off, round, ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]))
redis.call('HINCRBY', KEYS[1], 'o' .. string.byte(ARGV[5], 1), 1)
if w[2] or w[3] or w[4] or w[5] then
  if w[2] then redis.call('SETBIT', KEYS[3], job, 1) end
  redis.call('HDEL', KEYS[5], 'b' .. off, 'w' .. off, 'i' .. off, 'u' .. off)
end
local done = redis.call('HINCRBY', KEYS[1], 'done', 1)
if m[4] and done == tonumber(m[3]) then return {1, restate(KEYS[1], ARGV[4]), round, 0} end
if m[7] then return {1, 0, round, overdraw(KEYS[1], ARGV[4])} end
return {1, 0, round, 0}
