-- Makes wrk send what tests/bench/client.py sends: a new id for each message, senders in turn, the time of sending.
-- Arguments: text, then the session cookies; without cookies the messages are for the bare handler.

local body, heads, turn

function init(arguments)
  local seed = io.open("/dev/urandom", "rb"):read(4)
  math.randomseed(seed:byte(1) + seed:byte(2) * 2 ^ 8 + seed:byte(3) * 2 ^ 16 + seed:byte(4) * 2 ^ 24)
  body, heads, turn = '{"text": "' .. arguments[1] .. '"}', {}, 0
  local start = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
    "\r\nContent-Type: application/json\r\n"
  for position = 2, #arguments do
    heads[#heads + 1] = start .. "Content-Length: " .. #body ..
      "\r\nCookie: reins_session=" .. arguments[position] .. "\r\nReins-Nonce: "
  end
  if #heads == 0 then
    wrk.bare = start
  end
end

local function new_id()
  local word = math.random
  return string.format("%08x%08x%08x%08x", word(0, 2 ^ 32 - 1), word(0, 2 ^ 32 - 1), word(0, 2 ^ 32 - 1), word(0, 2 ^ 32 - 1))
end

function request()
  turn = turn + 1
  if wrk.bare then
    local bare = '{"id": "' .. new_id() .. '", "user": "user-' .. turn % 100 .. '", "text": "ping"}'
    return wrk.bare .. "Content-Length: " .. #bare .. "\r\n\r\n" .. bare
  end
  return heads[turn % #heads + 1] .. new_id() .. "\r\nReins-Timestamp: " .. os.time() .. "\r\n\r\n" .. body
end

function done(summary, latency, _)
  local errors = summary.errors
  local unexpected = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\n{"answers": %d, "unexpected": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f}\n',
    summary.requests, unexpected, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3
  ))
end
