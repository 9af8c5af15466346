-- Posts one crash report of 419 KB: 64 annotations and a dump of 400 KiB.
local boundary = "----bench-boundary"
local parts = {}
local function field(name, value)
  parts[#parts + 1] = "--" .. boundary .. '\r\nContent-Disposition: form-data; name="' .. name .. '"\r\n\r\n' .. value .. "\r\n"
end
field("ProductName", "Bench")
field("Version", "1.0")
for i = 1, 62 do
  field("Annotation" .. i, string.rep("value " .. i .. " ", 14))
end
math.randomseed(1)
local random = {}
for i = 1, 4096 do random[i] = string.char(math.random(0, 255)) end
local block = table.concat(random)
parts[#parts + 1] = "--" .. boundary .. '\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="bench.dmp"\r\n'
  .. "Content-Type: application/octet-stream\r\n\r\nMDMP" .. string.rep(block, 100) .. "\r\n--" .. boundary .. "--\r\n"

wrk.method = "POST"
wrk.path = "/submit"
wrk.headers["Content-Type"] = "multipart/form-data; boundary=" .. boundary
wrk.body = table.concat(parts)

-- What was not answered with a CrashID is an error of the benchmark.
local threads = {}
function setup(thread) threads[#threads + 1] = thread end
refused = 0
function response(status, headers, body)
  if status ~= 200 or body:sub(1, 8) ~= "CrashID=" then refused = refused + 1 end
end
function done(summary, latency)
  local refusals = 0
  for _, t in ipairs(threads) do refusals = refusals + t:get("refused") end
  local seconds = summary.duration / 1e6
  io.write(string.format("result: %.0f crashes/s, p50 %.1f ms, p99 %.1f ms, max %.1f ms, refused %d, errors %d\n",
    (summary.requests - refusals) / seconds, latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    refusals, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
