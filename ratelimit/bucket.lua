-- One exchange between a process and a bucket: check, age, learn, reserve.
-- In step with model.go and model_learn.go, which say why; a property test
-- compares them. Runs in one hash, on Redis' own clock.
--
-- KEYS[1]  the bucket's hash
-- ARGV     1 slots wanted
--          2 ceiling: the configured limit, thousandths of a request a second
--          3 lead in us
--          4 seq that this process saw last, 5 by how much Redis' clock was set since, if it noticed; us
--          6 clock to use instead of Redis' (proofs only; 0)
--          7 1 if something was learned, then:
--          8 limit, 9 clock when its request was sent
--          10 refused until, 11 and its reset second
--          12 end of a long window, 13 what remains of it
--          14 jitter, 15 the usual jitter, 16 clock when a request that was held up was answered
--          17 1 if phase bounds follow, 18 low, 19 high
--          20 number of windows, each: reset second, least, most remaining, answers, refusals, strays
-- returns  clock, seq, epoch, mode (0 paced, 1 locked, 2 roomy), slots, wait, spacing (ns), slack, end, retry,
--          limit, margin (millionths), foreign, pause (clock), long end (clock), long left, phase
--          (us unless said otherwise)

local names = {'seq', 'epoch', 'next', 'limit', 'limitAt', 'mode', 'phase', 'low', 'high', 'phased',
  'margin', 'taken', 'spread', 'usual', 'room1', 'room2', 'pause', 'win', 'g0', 'g1', 'g2', 'g3', 'g4', 'g5',
  'cr', 'cl', 'cm', 'ca', 'cf', 'pr', 'pl', 'pm', 'pa', 'pf',
  'fa', 'fb', 'fat', 'fc', 'fp', 'longEnd', 'longLeft', 'roomy', 'good', 'bad', 'hold', 'firm', 'agedAt', 'safeAt', 'refusedAt', 'lateAt'}
local floor, ceil, max, min, abs = math.floor, math.ceil, math.max, math.min, math.abs
local A = {}
for i = 1, #ARGV do A[i] = tonumber(ARGV[i]) end
local ceiling, lead = A[2], A[3]
local now = A[6]
if now == 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1e6 + tonumber(t[2])
end

local b, was = {}, redis.call('HMGET', KEYS[1], unpack(names))
for i, k in ipairs(names) do b[k] = tonumber(was[i] or '0') or 0 end

local function clearWindows()
  b.win, b.g0, b.g1, b.g2, b.g3, b.g4, b.g5 = 0, 0, 0, 0, 0, 0, 0
end

local function force()
  if b.limit > 0 and b.limit < ceiling then return b.limit end
  return ceiling
end

local function safe()
  b.epoch = max(b.epoch + 1, now)
  b.next = now + max(1e6, ceil(1e9 / force()))
  b.mode, b.good, b.bad, b.hold, b.roomy = 0, 0, 0, 0, 0
  b.phase, b.low, b.high, b.phased, b.firm = 0, 0, 0, 0, 0
  clearWindows()
  b.cr, b.cl, b.cm, b.ca, b.cf = 0, 0, 0, 0, 0
  b.pr, b.pl, b.pm, b.pa, b.pf, b.fc, b.fp = 0, 0, 0, 0, 0, 0, 0
  b.limitAt, b.agedAt, b.fat, b.safeAt = 0, now, now, now
end

local function step(drift)
  if now >= b.safeAt and now - b.safeAt <= 5000000 then return end
  if drift < 0 then
    b.pause = max(0, b.pause + drift)
    b.longEnd = max(0, b.longEnd + drift)
  end
  safe()
end

local function check()
  if b.seq == 0 then
    for _, k in ipairs(names) do b[k] = 0 end
    b.epoch, b.margin = now, 10000
    safe()
  end
  if A[4] > b.seq then
    b.seq = A[4]
    safe()
  end
  if b.next > now + 5025000 + ceil(20e9 / force()) and b.next > b.longEnd then safe() end
  if A[5] ~= 0 then step(A[5]) end
end

local function age()
  if now - b.fat >= 20000000 then
    b.fa, b.fb, b.fat = 0, 0, now
  elseif now - b.fat >= 10000000 then
    b.fb, b.fa, b.fat = b.fa, 0, now
  end
  if now - b.agedAt < 1e6 then return end
  local dt = min((now - b.agedAt) / 1e6, 3600)
  b.margin = floor(b.margin / (1 + b.margin * dt / 1e7))
  b.spread = floor(b.spread / (1 + dt * 0.02))
  b.usual = floor(b.usual / (1 + dt * 0.02))
  b.low = floor(b.low - 10000 * dt)
  b.high = ceil(b.high + 10000 * dt)
  b.agedAt = now
end

local function allowed()
  local f = force()
  local l = f
  if b.limit > 0 then l = min(l, b.limit - 1000 * max(b.fa, b.fb)) end
  return max(l, max(min(f, 1000), floor(f / 10)))
end

local function guard() return min(max(200000 + 2 * b.spread, 300000), 600000) end

local function pacedMargin(al)
  local jitter = b.usual - floor(min(b.room1, b.room2) * 1e9 / al)
  return max(b.margin, max(3000, min(jitter, 100000)))
end

local function pacedGap(al) return ceil((1e6 + pacedMargin(al)) * 1e6 / al) end

local function wary() return b.mode == 0 and b.phased == 1 and b.bad == 0 end

local function count(reset)
  local back = b.win - reset
  if back < 0 then return 0 end
  if back > 5 then return -1 end
  return b['g' .. string.format('%d', back)]
end

local function add(reset, n)
  if reset > b.win + 5 then
    clearWindows()
    b.win = reset
  end
  while b.win < reset do
    b.win = b.win + 1
    b.g5, b.g4, b.g3, b.g2, b.g1, b.g0 = b.g4, b.g3, b.g2, b.g1, b.g0, 0
  end
  local back = b.win - reset
  if back <= 5 then
    local k = 'g' .. string.format('%d', back)
    b[k] = b[k] + n
  end
end

local function fromEdge()
  local edge = floor((now + b.phase) / 1e6) + 1
  b.next = max(b.next, edge * 1e6 - b.phase)
  b.firm = edge + 1
end

-- learn --------------------------------------------------------------------

local function learnLimit()
  if A[8] <= 0 or A[9] < b.limitAt then return false end
  local before = force()
  b.limit, b.limitAt = A[8], A[9]
  local after = force()
  if after >= before then return false end
  b.epoch = b.epoch + 1
  b.next = max(b.next, now + ceil(1e6 * (before - after) / before))
  return true
end

local function learnPhase(low, high)
  if b.phased == 1 then low, high = max(low, b.low), min(high, b.high) end
  if low > high then
    local mid = floor((low + high) / 2)
    low, high = mid, mid
  end
  b.low, b.high = low, high
  local m = floor(min(guard() / 4, (high - low) / 2))
  local phase = min(max(b.phase, low + m), high - m)
  local moved = abs(phase - b.phase)
  b.phase, b.phased = phase, 1
  if b.mode == 1 and moved > 50000 then
    b.epoch = b.epoch + 1
    clearWindows()
    fromEdge()
  elseif moved > 500000 then
    clearWindows()
    b.firm = floor((now + phase) / 1e6) + 3
  end
end

local function foreign(reset, least, most, answers, refused)
  local own, before = count(reset), count(reset - 1)
  if own < 0 or before < 0 or b.limit <= 0 or reset < b.firm then return 0 end
  local per = floor(b.limit / 1000)
  if b.mode == 0 then
    own = min(own + before, floor((1e6 + b.spread) * 1000 / pacedGap(allowed())) + 1)
  elseif answers - refused < 3 or (most - least) * 10 < (answers - refused - 1) * 7 then
    return 0
  end
  local f = per - least - own
  if b.mode == 1 and refused > 0 and least == 0 then f = per - own + refused end
  return min(f, floor(per * 0.9))
end

local function choose()
  if b.mode == 0 and b.good >= 3 and b.phased == 1 and now >= b.hold then
    b.mode, b.bad = 1, 0
    fromEdge()
  elseif b.mode == 1 and b.bad >= 3 then
    b.mode, b.good, b.bad, b.hold = 0, 0, 0, now + 30000000
    b.margin = max(b.margin, 10000)
    b.next = max(b.next, now + 1e6)
    b.epoch = b.epoch + 1
  end
end

local function judge(reset, least, most, answers, refused)
  local own, before, per = count(reset), count(reset - 1), allowed() / 1000
  local busy = own >= 3 and own * 2 >= per and before * 2 >= per
  local heard = answers * 10 >= own * 6
  local whole = heard and (most - least) * 10 >= own * 6
  b.room2, b.room1 = b.room1, least
  if busy and whole then
    b.good, b.bad = b.good + 1, max(0, b.bad - 1)
  elseif (busy and (heard or (b.mode == 1 and answers * 10 < own * 3))) or (b.mode == 1 and refused > 0) then
    b.good, b.bad = 0, b.bad + 1
  end
  if refused > 0 then b.good = 0 end
  local ample = b.limit > 0 and least * 10000 >= 3 * b.limit and refused == 0
  if busy and heard and ample then
    b.roomy = b.roomy + 1
  elseif not ample then
    b.roomy = 0
  end
  if busy and heard and b.limit > 0 and least * 10000 >= 3 * b.limit and b.taken * 100 >= b.limit then
    b.margin = min(b.margin, 3000)
  end
  choose()
end

local function learnWindow(r, l, m, a, f)
  if r == b.cr then
    b.cl, b.cm, b.ca, b.cf = min(b.cl, l), max(b.cm, m), b.ca + a, b.cf + f
    b.fc = max(b.fc, foreign(r, b.cl, b.cm, b.ca, b.cf))
  elseif r == b.pr then
    b.pl, b.pm, b.pa, b.pf = min(b.pl, l), max(b.pm, m), b.pa + a, b.pf + f
    b.fp = max(b.fp, foreign(r, b.pl, b.pm, b.pa, b.pf))
  elseif r > b.cr then
    if b.pr > 0 then judge(b.pr, b.pl, b.pm, b.pa, b.pf) end
    b.fp = 0
    if r == b.cr + 1 then b.fp = b.fc end
    b.pr, b.pl, b.pm, b.pa, b.pf = b.cr, b.cl, b.cm, b.ca, b.cf
    b.cr, b.cl, b.cm, b.ca, b.cf = r, l, m, a, f
    b.fc = foreign(r, l, m, a, f)
  end
  b.fa = max(b.fa, min(b.fc, b.fp))
end

local function learnLong(longEnd, left)
  if b.longEnd <= now or abs(longEnd - b.longEnd) > 2e6 then
    b.longEnd, b.longLeft = longEnd, left
    return
  end
  b.longLeft = min(b.longLeft, left)
end

local function lone(reset, long)
  local n = 0
  for i = 1, A[20] do n = n + A[19 + i * 6] end
  return b.mode == 0 and not wary() and n == 1 and reset > 0 and not long and now - b.refusedAt >= 2000000
end

local function refuse(till, reset, long, lowered)
  if b.mode == 1 and reset > 0 then till = reset * 1e6 - b.phase end
  till = min(till, now + 86400000000)
  local margin = pacedMargin(allowed())
  b.roomy = 0
  if lone(reset, long) and not lowered then
    b.pause = max(b.pause, now + ceil(pacedGap(allowed()) / 1000))
  elseif till > b.pause + 50000 then
    b.pause = till
    b.epoch = b.epoch + 1
  end
  b.refusedAt = now
  local label = floor((now + b.phase) / 1e6) + 1
  local lately = count(label) + count(label - 1) + count(label - 2)
  local full = force() / 1000
  local excused = lowered or long or now - b.lateAt < 1500000
  if b.mode == 0 and not excused and b.taken * 2 >= full and lately >= full then
    b.margin = min(max(margin + 3000, floor(margin * 1.5)), 500000)
    b.taken = 0
  end
end

local function learn()
  local lowered = learnLimit()
  b.spread, b.usual = max(b.spread, A[14]), max(b.usual, A[15])
  b.lateAt = max(b.lateAt, min(A[16], now))
  if A[17] == 1 then learnPhase(A[18], A[19]) end
  for i = 1, A[20] do
    local o = 20 + (i - 1) * 6
    if b.mode == 1 and A[o + 6] > 0 then add(A[o + 1], A[o + 6]) end
    learnWindow(A[o + 1], A[o + 2], A[o + 3], A[o + 4], A[o + 5])
  end
  if A[12] > now then learnLong(A[12], A[13]) end
  if A[10] > 0 then refuse(A[10], A[11], A[12] ~= 0, lowered) end
end

-- reserve ------------------------------------------------------------------

local function way()
  if b.mode == 0 and b.roomy >= 3 then return 2 end
  return b.mode
end

local function credit()
  if way() == 2 then return floor(force() / 5000) end
  return 0
end

local function placePaced(start, al, late)
  local reset = floor((start + b.phase) / 1e6) + 1
  local edge, clear = reset * 1e6 - b.phase, 0
  if wary() then
    clear = min(max(b.spread, 20000), 40000)
    if start > edge - clear then
      reset, edge = reset + 1, edge + 1e6
    end
    start = max(start, edge - 1e6 + floor(clear / 2))
  end
  local left = edge - clear - start
  local gap = pacedGap(al)
  local line = min(start, max(b.next, start - floor(late * gap / 1000)))
  return {at = start, line = line, gap = gap, room = ceil(left * 1000 / gap), reset = reset, stop = 0}
end

local function placeLocked(start, per)
  local g = guard()
  local half = floor(g / 2)
  local reset = floor((start + b.phase) / 1e6) + 1
  local nominal = ceil((1e6 - g) * 1000 / per)
  while true do
    local edge = reset * 1e6 - b.phase
    local last = edge - half
    local at = max(start, edge - 1e6 + half)
    local left = per - max(count(reset), 0)
    if left >= 1 and at <= last then
      local need = floor((last - at) * 1000 / max(left - 1, 1))
      local gap = min(nominal, max(need, ceil(nominal / 3)))
      local fit = floor((last - at) * 1000 / gap) + 1
      return {at = at, line = at, gap = gap, room = min(left, fit), reset = reset, stop = edge - floor(g / 4)}
    end
    reset = reset + 1
  end
end

local function reserve()
  local al = allowed()
  local start = max(max(now, b.next), b.pause)
  local long = b.longEnd > now
  if long and b.longLeft < 1 then
    start = max(start, b.longEnd)
    long = false
  end
  local p
  if b.mode == 1 and al >= 2000 then
    p = placeLocked(start, floor(al / 1000))
  else
    p = placePaced(start, al, credit())
  end
  if long then
    p.gap = max(p.gap, ceil((b.longEnd - now) * 1000 / b.longLeft))
    p.room = min(p.room, b.longLeft)
  end
  local slack = min(max(floor(p.gap / 2000), 20000), 150000)
  local far = min(floor(p.gap * 1.5 / 1000), 25000) + min(lead, 5000000)
  if p.at - now > far then return 0, 0, p.gap, slack, 0, p.at - now - far end
  local n = min(min(A[1], p.room), floor((now + far - p.at) * 1000 / p.gap) + 1)
  if n < 1 then return 0, 0, p.gap, slack, 0, 0 end
  add(p.reset, n)
  b.taken = b.taken + n
  b.margin = b.margin - floor(b.margin * min(n, 100) / 625)
  b.next = p.line + ceil(n * p.gap / 1000)
  if b.longEnd > now then
    b.longLeft = max(0, b.longLeft - n)
    b.next = min(b.next, max(b.longEnd, p.at + ceil(n * pacedGap(al) / 1000)))
  end
  local stop = 0
  if p.stop > 0 then stop = p.stop - now end
  return n, p.at - now, p.gap, slack, stop, 0
end

check()
age()
if A[7] == 1 then learn() end
local slots, wait, gap, slack, stop, retry = reserve()
b.seq = b.seq + 1

local set = {}
for i, k in ipairs(names) do
  local v = string.format('%.0f', b[k])
  if v ~= was[i] then
    set[#set + 1] = k
    set[#set + 1] = v
  end
end
redis.call('HSET', KEYS[1], unpack(set))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', 3600000 + max(0, floor((max(b.pause, b.longEnd) - now) / 1000))))
return {now, b.seq, b.epoch, way(), slots, wait, gap, slack, stop, retry,
  force(), max(b.margin, 3000), max(b.fa, b.fb), b.pause, b.longEnd, b.longLeft, b.phase}
