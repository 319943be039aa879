-- answer counts a transient failure that came back. Never more answers than begins, so that a command that a lost reply made run
-- twice is counted once.
-- KEYS: meta, done, begun, work
-- ARGV: job, offset, round
-- Returns: {answers in the round}, or {n < 0}.
local m, bad = open(KEYS[1], 'jobs')
if not m then return {bad} end
local job, off = tonumber(ARGV[1]), ARGV[2]
if job >= tonumber(m[3]) then return {-3} end
local w = redis.call('HMGET', KEYS[4], 'n' .. off, 'b' .. off, 'w' .. off)
local round, begins, answers = tonumber(w[1] or 1), tonumber(w[2] or 0), tonumber(w[3] or 0)
if round == 1 then begins = begins + redis.call('GETBIT', KEYS[3], job) end
if round ~= tonumber(ARGV[3]) or answers >= begins or redis.call('GETBIT', KEYS[2], job) == 1 then return {answers} end
return {redis.call('HINCRBY', KEYS[4], 'w' .. off, 1)}
