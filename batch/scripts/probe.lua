-- probe gives the right to try once, to one process in a while. The clock is Redis' own: those of
-- two processes, or of two calls on their way, need not agree on what comes first.
-- KEYS: failures, or another hash
-- ARGV: milliseconds between tries
-- Returns: {1 if the caller may try, else 0}.
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local last = tonumber(redis.call('HGET', KEYS[1], 'probe') or 0)
-- A last try that lies ahead was noted before the clock was set back.
if last <= now and now < last + tonumber(ARGV[1]) then return {0} end
redis.call('HSET', KEYS[1], 'probe', string.format('%.0f', now))
return {1}
