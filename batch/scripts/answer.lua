-- answer counts a transient failure that came back: as an attempt (w), or, in an outage, as an answer that costs none (u). Never
-- more answers than begins, so that a command that a lost reply made run twice is counted once.
-- KEYS: meta, done, begun, work
-- ARGV: job, offset, round, w or u
-- Returns: {attempts charged in the round}, or {n < 0}.
local m, bad = open(KEYS[1], 'jobs')
if not m then return {bad} end
local job, off = tonumber(ARGV[1]), ARGV[2]
if job >= tonumber(m[3]) then return {-3} end
local w = redis.call('HMGET', KEYS[4], 'n' .. off, 'b' .. off, 'w' .. off, 'u' .. off)
local round, begins, charged, free = tonumber(w[1] or 1), tonumber(w[2] or 0), tonumber(w[3] or 0), tonumber(w[4] or 0)
if round == 1 then begins = begins + redis.call('GETBIT', KEYS[3], job) end
if round ~= tonumber(ARGV[3]) or charged + free >= begins or redis.call('GETBIT', KEYS[2], job) == 1 then return {charged} end
redis.call('HINCRBY', KEYS[4], ARGV[4] .. off, 1)
if ARGV[4] == 'w' then charged = charged + 1 end
return {charged}
