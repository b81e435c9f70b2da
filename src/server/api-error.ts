/** Errors as OpenAI's API tells them: an HTTP status and `{error: {message, type, param, code}}`. */

import { ChatRexError, type ErrorCode } from '../errors.ts';

export type ApiStatus = 400 | 401 | 403 | 404 | 405 | 408 | 413 | 415 | 429 | 500 | 503;

/** A refusal that a client is told. */
export class ApiError extends ChatRexError {
  readonly status: ApiStatus;
  /** The field of the request that is wrong, as `messages.0.content`. */
  readonly param: string | undefined;
  /** For programs: `model_not_found`, `rate_limit_exceeded` and the like. */
  readonly apiCode: string | undefined;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | undefined;

  constructor(
    status: ApiStatus,
    message: string,
    { param, code, retryAfter, cause }: { param?: string; code?: string; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(statusCodes[status], message, { cause });
    this.status = status;
    this.param = param;
    this.apiCode = code;
    this.retryAfter = retryAfter;
  }
}

const statusCodes: Record<ApiStatus, ErrorCode> = {
  400: 'invalid-argument',
  401: 'invalid-argument',
  403: 'invalid-argument',
  404: 'not-found',
  405: 'invalid-argument',
  408: 'limit-exceeded',
  413: 'limit-exceeded',
  415: 'unsupported',
  429: 'limit-exceeded',
  500: 'runtime',
  503: 'runtime',
};

/** OpenAI's `type` of each status. */
const types: Record<ApiStatus, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  405: 'invalid_request_error',
  408: 'timeout_error',
  413: 'invalid_request_error',
  415: 'invalid_request_error',
  429: 'rate_limit_error',
  500: 'server_error',
  503: 'overloaded_error',
};

/** The body of an error's reply. */
export const errorBody = ({ status, message, param, apiCode }: ApiError) => ({
  error: { message, type: types[status], param: param ?? null, code: apiCode ?? null },
});

/** Any failure as a client may be told it: defects keep their details to the log. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof ChatRexError) || error.code === 'runtime') {
    return new ApiError(500, 'the server failed; its log says why', { code: 'internal_error', cause: error });
  }
  const options = { code: error.code.replaceAll('-', '_'), cause: error };
  if (error.code === 'aborted') return new ApiError(503, 'the work was cancelled', options);
  // What the model lacks is not a wrong address.
  return new ApiError(400, error.message, options);
}

/** The server cannot work at the moment; the same request will do later. */
export const unavailable = (message: string, retryAfter = 1): ApiError =>
  new ApiError(503, message, { code: 'unavailable', retryAfter });

/** @throws ApiError 404 */
export function requireModel(asked: string | undefined, modelName: string): void {
  if (asked === undefined || asked === modelName) return;
  throw new ApiError(404, `model '${asked}' is not served here; '${modelName}' is`, {
    param: 'model',
    code: 'model_not_found',
  });
}
