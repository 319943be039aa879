-- begin notes that a call for a job is about to be sent, if it may be.
-- In round 1 the first begin is a bit and only further ones are counted; later rounds count all of theirs.
-- KEYS: meta, done, begun, work
-- ARGV: job, offset, round, now
-- Returns: {0 or why not, begins, answers, 1 if an earlier round began}, or {n < 0}.
--   1 done  2 cancelled  3 paused  4 stopped  5 another round
local m, bad = open(KEYS[1], 'jobs', 'cancelled', 'hold', 'started')
if not m then return {bad} end
local job, off = tonumber(ARGV[1]), ARGV[2]
if job >= tonumber(m[3]) then return {-3} end
local w = redis.call('HMGET', KEYS[4], 'n' .. off, 'b' .. off, 'w' .. off)
local round, begins, answers = tonumber(w[1] or 1), tonumber(w[2] or 0), tonumber(w[3] or 0)
local bit = redis.call('GETBIT', KEYS[3], job)
local earlier = 0
if round == 1 then begins = begins + bit else earlier = bit end
if round ~= tonumber(ARGV[3]) then return {5, begins, answers, earlier} end
if redis.call('GETBIT', KEYS[2], job) == 1 then return {1, begins, answers, earlier} end
if m[4] then return {2, begins, answers, earlier} end
if m[5] == 'paused' then return {3, begins, answers, earlier} end
if m[5] then return {4, begins, answers, earlier} end
if round == 1 and bit == 0 then redis.call('SETBIT', KEYS[3], job, 1)
else redis.call('HINCRBY', KEYS[4], 'b' .. off, 1) end
if not m[6] then redis.call('HSET', KEYS[1], 'started', ARGV[4]) end
return {0, begins + 1, answers, earlier}
