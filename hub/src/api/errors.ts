import { STATUS_CODES } from 'node:http';
import type { ErrorCode } from '@wheelhouse/shared/errors/catalogue';
import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

/** gRPC's number for an HTTP status, as Argo CD's gateway answers it in `code`. */
const grpcCodes: Record<number, number> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  409: 6,
  413: 8,
  415: 3,
  422: 9,
  429: 8,
  499: 1,
  501: 12,
  502: 14,
  503: 14,
  504: 4,
};
const grpcUnknown = 2;

/** What Fastify itself refuses, in our words. */
const fastifyErrors: Record<string, [code: ErrorCode, message: string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['TooLarge', 'the request body is too large; send it in smaller parts'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'Invalid',
    'the Content-Type is not one that this endpoint reads; see /api/v1/openapi.json',
  ],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['Malformed', 'the body is empty; send a JSON document'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['Malformed', 'the body is not valid JSON'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['Malformed', 'the body is not as long as its Content-Length says'],
};

/** The body of every error: Argo CD's three fields, then ours. */
export const errorBody = z
  .object({
    error: z.string().describe('The message again, as grpc-gateway repeats it'),
    message: z.string(),
    code: z.number().int().describe('gRPC status code'),
    reason: z.string().describe('Code of the error catalogue'),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Error' });

export function formatError(error: FleetError): z.infer<typeof errorBody> {
  const details = Object.keys(error.details).length > 0 ? { details: error.details } : {};
  return { error: error.message, message: error.message, code: grpcCode(error.status), reason: error.code, ...details };
}

/** An error within a stream, after its 200, as grpc-gateway writes it. */
export function formatStreamError(error: FleetError) {
  const { message, reason, code } = formatError(error);
  return { grpc_code: code, http_code: error.status, message, http_status: STATUS_CODES[error.status] ?? '', reason };
}

function grpcCode(status: number): number {
  return grpcCodes[status] ?? (status === 500 ? 13 : grpcUnknown);
}

/** Whatever a route threw, as the FleetError to answer. What nobody foresaw says nothing of its insides. */
export function toApiError(error: FastifyError, requestId: string): FleetError {
  if (isFleetError(error)) return error;
  const stopped = toStopped(error);
  if (stopped) return stopped;
  if (error.validation) return toValidationError(error);
  const known = fastifyErrors[error.code];
  if (known) return new FleetError(known[0], known[1], { cause: error });
  if ((error.statusCode ?? 500) < 500) return new FleetError('Malformed', error.message, { cause: error });
  return new FleetError('Internal', `internal error; the hub's log has the cause under request ${requestId}`, {
    cause: error,
    details: { requestId },
  });
}

/** What a request's signal threw: its client left, or it took longer than it may. Undefined for any other error. */
function toStopped(error: unknown): FleetError | undefined {
  if (!(error instanceof Error)) return undefined;
  // Node's own functions throw an AbortError whose cause is the signal's reason
  const reason = error.name === 'AbortError' && error.cause instanceof DOMException ? error.cause : error;
  // TimeoutErrors of libraries are not DOMExceptions: nobody foresaw them
  if (reason instanceof DOMException && reason.name === 'TimeoutError')
    return new FleetError('Timeout', 'the hub gave it up: it took longer than it may', { cause: error });
  return reason.name === 'AbortError' ? new FleetError('Aborted', 'stopped', { cause: error }) : undefined;
}

/** The API's one error handler: logs what a person must look at, and answers in Argo CD's shape. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const answer = toApiError(error, request.id);
  if (answer.status === 500)
    request.log.error(
      { err: error, code: answer.code, route: request.routeOptions.url, requestId: request.id },
      'request failed',
    );
  if (answer.status === 401) void reply.header('www-authenticate', 'Bearer');
  return reply
    .code(answer.status)
    .type('application/json')
    .send(JSON.stringify(formatError(answer)));
}

/** Zod's findings in one line; fastify-type-provider-zod hands each over as JSON-schema-like keyword and params. */
function toValidationError(error: FastifyError): FleetError {
  const issues = error.validation ?? [];
  const unknown = issues.flatMap((issue) =>
    issue.keyword === 'unrecognized_keys' ? [issue.params['keys']].flat() : [],
  );
  const where = error.validationContext === 'querystring' ? 'query' : (error.validationContext ?? 'body');
  const message = issues
    .map((issue) => `${where}${issue.instancePath.replaceAll('/', '.')}: ${issue.message ?? issue.keyword}`)
    .join('; ');
  return new FleetError(unknown.length > 0 ? 'UnknownField' : 'Invalid', message, {
    details: unknown.length > 0 ? { fields: unknown } : {},
    cause: error,
  });
}
