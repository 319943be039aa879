-- reopen starts the next round for the jobs of some chunks that ended in one of the given outcomes. Their results become history.
-- KEYS: meta, done, then per chunk: results, work, history
-- ARGV: number of the first chunk, now, the outcomes' numbers, a byte each
-- Returns: {jobs opened}, or {n < 0}.
local m, bad = open(KEYS[1], 'rounds', 'trimmed', 'budget')
if not m then return {bad} end
if m[4] then return {-9} end
local wanted, counts, opened, highest = {}, {}, 0, tonumber(m[3])
for i = 1, #ARGV[3] do wanted[string.byte(ARGV[3], i)] = true end
for c = 0, (#KEYS - 2) / 3 - 1 do
  local results, work, history = KEYS[3 + 3 * c], KEYS[4 + 3 * c], KEYS[5 + 3 * c]
  local first = (tonumber(ARGV[1]) + c) * 100
  local flat, hand, old, again, gone = redis.call('HGETALL', results), nil, {}, {}, {}
  for i = 1, #flat, 2 do
    local off, outcome = flat[i], string.byte(flat[i + 1], 1)
    if wanted[outcome] then
      hand = hand or hashed(work)
      local round = tonumber(hand['n' .. off] or 1)
      old[#old + 1] = off .. '.' .. round
      old[#old + 1] = flat[i + 1]
      again[#again + 1] = 'n' .. off
      again[#again + 1] = round + 1
      gone[#gone + 1] = off
      highest = math.max(highest, round + 1)
      counts['o' .. outcome] = (counts['o' .. outcome] or 0) + 1
    end
  end
  if #gone > 0 then
    redis.call('HSET', history, unpack(old))
    redis.call('HSET', work, unpack(again))
    redis.call('HDEL', results, unpack(gone))
    for _, off in ipairs(gone) do redis.call('SETBIT', KEYS[2], first + off, 0) end
    opened = opened + #gone
  end
end
if opened > 0 then
  for field, n in pairs(counts) do redis.call('HINCRBY', KEYS[1], field, -n) end
  redis.call('HINCRBY', KEYS[1], 'done', -opened)
  redis.call('HSET', KEYS[1], 'rounds', highest)
  redis.call('HDEL', KEYS[1], 'cancelled')
  if m[5] then renew(KEYS[1]) end
  restate(KEYS[1], ARGV[2])
end
return {opened}
