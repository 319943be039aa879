-- seal says that the batch has all of its rows.
-- KEYS: meta
-- ARGV: rows, jobs (both '' to take what is there), now, why the source broke off or ''
-- Returns: {1 if a report is due}, or {n < 0}.
local m, bad = open(KEYS[1], 'jobs', 'rows', 'sealed', 'cancelled', 'finished', 'reported')
if not m then return {bad} end
local rows, jobs = ARGV[1], ARGV[2]
if jobs == '' then rows, jobs = m[4], m[3] end
if m[6] then return {-7} end
if m[5] then
  if jobs ~= m[3] or rows ~= m[4] then return {-6} end
  if m[7] and not m[8] then return {1} end
  return {0}
end
if tonumber(jobs) > tonumber(m[3]) then return {-4} end
if jobs ~= m[3] or tonumber(rows) < tonumber(m[4]) then return {-5} end
redis.call('HSET', KEYS[1], 'sealed', 1, 'rows', rows)
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'cut', ARGV[4]) end
if redis.call('HEXISTS', KEYS[1], 'budget') == 1 then
  redis.call('HSET', KEYS[1], 'basesent', failures(KEYS[1]), 'gone', redis.call('HGET', KEYS[1], 'done'))
end
local due = restate(KEYS[1], ARGV[3])
overdraw(KEYS[1], ARGV[3])
return {due}
