-- Shared by every script of the ledger; put before each of them.
-- A script that can't do its work returns {n} with n < 0, see errors in scripts.go:
--   -1 unknown  -2 newer  -3 no such job  -4 gap  -5 different rows  -6 sealed  -7 cancelled  -8 finished  -9 trimmed  -10 unfinished

-- open reads fields of the batch's meta; m[1] and m[2] are its own. nil and a code if nobody may work on the batch.
local function open(meta, ...)
  local m = redis.call('HMGET', meta, 'v', 'purging', ...)
  if not m[1] or m[2] then return nil, -1 end
  if m[1] ~= '1' and m[1] ~= '2' and m[1] ~= '3' then return nil, -2 end
  return m, 0
end

-- failures counts the results that count against a budget; spenders names their counters.
local function failures(meta)
  local sum = 0
  for _, n in ipairs(redis.call('HMGET', meta, unpack(spenders))) do sum = sum + (tonumber(n or 0) or 0) end
  return sum
end

-- overspent says why a batch has more failures than its budget allows; nil if it has not, or has no budget.
local function overspent(meta)
  local m = redis.call('HMGET', meta, 'budget', 'base', 'basesent', 'gone', 'done', 'jobs')
  if not m[1] then return nil end
  local all, why = failures(meta), nil
  local failed, share = all - (m[2] or 0), string.match(m[1], '^(.*)%%$')
  if share then
    local sent, ended = all - (m[3] or 0), m[5] - (m[4] or 0)
    if failed * 100 > tonumber(share) * m[6] then
      why = failed .. ' of ' .. m[6] .. ' rows failed'
    elseif ended >= sample and sent * 100 > tonumber(share) * ended then
      why = sent .. ' of the ' .. string.format('%d', ended) .. ' rows that were sent failed'
    end
  elseif failed > tonumber(m[1]) then
    why = failed .. (failed == 1 and ' row' or ' rows') .. ' failed'
  end
  return why and 'too many errors: ' .. why .. ', and --max-errors allows ' .. m[1]
end

-- restate derives the state from what is known and stores it; at the end its time too, and whether more failed than the budget allows.
-- Returns 1 if a report is due.
local function restate(meta, now)
  local m = redis.call('HMGET', meta, 'sealed', 'done', 'jobs', 'cancelled', 'hold', 'cut', 'finished', 'reported')
  local ended = m[1] and m[2] == m[3]
  local state = 'receiving'
  if m[4] then state = 'cancelled'
  elseif ended and m[6] then state = 'truncated'
  elseif ended then state = 'finished'
  elseif m[5] then state = m[5]
  elseif m[1] then state = 'running' end
  redis.call('HSET', meta, 'state', state)
  if ended and not m[7] then
    redis.call('HSET', meta, 'finished', now)
    redis.call('HDEL', meta, 'hold', 'reason', 'spent')
    local why = not m[4] and overspent(meta)
    if why then redis.call('HSET', meta, 'over', why) end
  elseif not ended and m[7] then
    redis.call('HDEL', meta, 'finished', 'reported', 'over')
  end
  if ended and not m[8] then return 1 end
  return 0
end

-- renew gives a batch its whole budget anew: only what fails from now on counts.
local function renew(meta)
  local failed = failures(meta)
  redis.call('HSET', meta, 'base', failed, 'basesent', failed, 'gone', redis.call('HGET', meta, 'done'))
end

-- overdraw stops a batch of which more has failed than its budget allows, and more is to come. Returns 1 if it did.
local function overdraw(meta, now)
  local m = redis.call('HMGET', meta, 'hold', 'cancelled', 'sealed', 'done', 'jobs')
  if m[1] or m[2] or not m[3] or m[4] == m[5] then return 0 end
  local why = overspent(meta)
  if not why then return 0 end
  redis.call('HSET', meta, 'hold', 'stopped', 'reason', why, 'spent', now)
  restate(meta, now)
  return 1
end

-- shared returns the number of a text among those that results share, in two bytes; nil if it is not there and there is no room.
local function shared(keys, text, room)
  local n = redis.call('HGET', keys.intern, text)
  if not n and redis.call('HLEN', keys.intern) < room then
    n = redis.call('RPUSH', keys.texts, text)
    redis.call('HSET', keys.intern, text, n)
  end
  return n and string.char(math.floor(n / 256), n % 256)
end

-- ref returns the number of a text: 0 is no text. One that is too long, or one too many, goes to the side hash under
-- kind, offset and round; its number is 65535.
local function ref(keys, field, text)
  if text == '' then return '\0\0' end
  local n = #text <= 1024 and shared(keys, text, 4000)
  if n then return n end
  redis.call('HSET', keys.side, field, text)
  return '\255\255'
end

-- refs completes a packed result with the numbers of its slug, message and hint. A tracking id that is too long for the
-- packed form comes beside it.
local function refs(keys, off, round, packed, slug, message, hint, id)
  local at = off .. '.' .. round
  if id ~= '' then redis.call('HSET', keys.side, 'i' .. at, id) end
  return packed .. ref(keys, 's' .. at, slug) .. ref(keys, 'm' .. at, message) .. ref(keys, 'h' .. at, hint)
end

-- hashed reads a hash as a table.
local function hashed(key)
  local flat, t = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do t[flat[i]] = flat[i + 1] end
  return t
end

-- bits reads the bits from..to of a bitmap; the answer says of a number whether its bit is set.
local function bits(key, from, to)
  local first = math.floor(from / 8)
  local s = redis.call('GETRANGE', key, first, math.floor(to / 8))
  return function(n)
    local byte = string.byte(s, math.floor(n / 8) - first + 1) or 0
    return math.floor(byte / 2 ^ (7 - n % 8)) % 2 == 1
  end
end

