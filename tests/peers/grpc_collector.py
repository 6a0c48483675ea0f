"""A collector of OTLP over gRPC in clear text, by the server of the gRPC project (Debian: python3-grpcio).

READY PORT is said once it listens, CALL PATH HEX for each message that it takes. While a file named refuse lies in the
working directory, it says PERMISSION_DENIED to all."""
import concurrent.futures
import os

import grpc


class AnyCall(grpc.GenericRpcHandler):
    def service(self, call):
        return grpc.unary_unary_rpc_method_handler(lambda message, context: answer(call.method, message, context))


def answer(path, message, context):
    if os.path.exists("refuse"):
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "not here")
    print(f"CALL {path} {message.hex()}", flush=True)
    return b""


server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((AnyCall(),))
print(f"READY {server.add_insecure_port('127.0.0.1:0')}", flush=True)
server.start()
server.wait_for_termination()
