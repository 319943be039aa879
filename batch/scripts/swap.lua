-- swap replaces what stands under a lock's name, if it is still what the caller has seen there.
-- Leases are judged before, on Redis' own clock; whoever was faster has changed what stands here.
-- KEYS: locks
-- ARGV: name, what the caller saw or '', what is to stand there or ''
-- Returns: what stands there now, or ''. A repeated call is answered as the first one was.
local now = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if now ~= ARGV[2] then return now end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return ARGV[3]
