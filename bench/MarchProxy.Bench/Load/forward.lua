-- Sends each request in absolute form, as a client of a forward proxy does. Arguments: the URL, and user:token in base64.
dofile(os.getenv("REPORT_LUA"))

init = function(args)
    wrk.path = args[1]
    wrk.headers["Host"] = args[1]:match("//([^/]+)")
    wrk.headers["Proxy-Authorization"] = "Basic " .. args[2]
    request_text = wrk.format()
end

request = function()
    return request_text
end
