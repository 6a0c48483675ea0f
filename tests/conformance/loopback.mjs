// Preloaded: the origin of the public tests listens for this machine alone.
import http from 'node:http'

const listen = http.Server.prototype.listen
http.Server.prototype.listen = function (port, ...more) {
  return listen.call(this, port, '127.0.0.1', ...more)
}
