-- takeback undoes the last begin of a job whose call surely had no effect. It names the number of begins that it knew, so that a
-- command that a lost reply made run twice undoes one begin only.
-- KEYS: meta, done, begun, work
-- ARGV: job, offset, round, begins
-- Returns: {1 if undone, else 0}, or {n < 0}.
local m, bad = open(KEYS[1], 'jobs')
if not m then return {bad} end
local job, off = tonumber(ARGV[1]), ARGV[2]
if job >= tonumber(m[3]) then return {-3} end
local w = redis.call('HMGET', KEYS[4], 'n' .. off, 'b' .. off, 'w' .. off, 'u' .. off)
local round, counted, answers = tonumber(w[1] or 1), tonumber(w[2] or 0), tonumber(w[3] or 0) + tonumber(w[4] or 0)
local begins = counted
if round == 1 then begins = begins + redis.call('GETBIT', KEYS[3], job) end
if round ~= tonumber(ARGV[3]) or begins ~= tonumber(ARGV[4]) or begins <= answers then return {0} end
if redis.call('GETBIT', KEYS[2], job) == 1 then return {0} end
if counted > 1 then redis.call('HINCRBY', KEYS[4], 'b' .. off, -1)
elseif counted == 1 then redis.call('HDEL', KEYS[4], 'b' .. off)
else redis.call('SETBIT', KEYS[3], job, 0) end
return {1}
