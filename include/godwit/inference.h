/* Inference: runs a TensorFlow Lite model. Of the library godwit_inference, which needs nothing
 * of libgodwit: it takes a path or bytes. The interpreter itself (a TensorFlow Lite C library)
 * is found at run time: the path in the options, then the environment's
 * GODWIT_TFLITE_LIBRARY, then beside this library and the program, then the system's. */
#ifndef GODWIT_INFERENCE_H_
#define GODWIT_INFERENCE_H_

#include <stddef.h>
#include <stdint.h>

#include "godwit/gate.h"
#include "godwit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One model, ready to run. One thread at a time; several interpreters run side by side. */
typedef struct godwit_interpreter godwit_interpreter;

typedef struct godwit_interpreter_options {
  uint32_t version;         /* GODWIT_INTERPRETER_OPTIONS_VERSION. */
  const char* library_path; /* UTF-8; NULL: searched for. */
  const char* signature;    /* UTF-8; NULL: the primary inputs and outputs. */
  int32_t threads;          /* For one run; 0: one. */
  int32_t plain_kernels;    /* Not 0: without acceleration, for comparisons. */
} godwit_interpreter_options;

#define GODWIT_INTERPRETER_OPTIONS_VERSION 1
#define GODWIT_INTERPRETER_OPTIONS_INIT {GODWIT_INTERPRETER_OPTIONS_VERSION, NULL, NULL, 0, 0}

/* As a model file numbers them. Others exist; their tensors pass as plain bytes. */
typedef enum godwit_tensor_type {
  GODWIT_TENSOR_FLOAT32 = 0,
  GODWIT_TENSOR_FLOAT16 = 1,
  GODWIT_TENSOR_INT32 = 2,
  GODWIT_TENSOR_UINT8 = 3,
  GODWIT_TENSOR_INT64 = 4,
  GODWIT_TENSOR_STRING = 5,
  GODWIT_TENSOR_BOOL = 6,
  GODWIT_TENSOR_INT16 = 7,
  GODWIT_TENSOR_INT8 = 9,
  GODWIT_TENSOR_FLOAT64 = 10
} godwit_tensor_type;

#define GODWIT_TENSOR_DIMENSIONS_MAX 8

/* One input or output as the next run takes or gives it. */
typedef struct godwit_tensor {
  const char* name; /* Borrowed until the next resize, selection or close. */
  int32_t type;     /* godwit_tensor_type. */
  uint32_t dimension_count;
  int32_t dimensions[GODWIT_TENSOR_DIMENSIONS_MAX];
  size_t size_bytes;
  float scale; /* 0: not quantised. real = scale * (stored - zero_point). */
  int32_t zero_point;
} godwit_tensor;

typedef struct godwit_input {
  const void* data;
  size_t size_bytes;
} godwit_input;

typedef struct godwit_output {
  void* data;
  size_t size_bytes;
} godwit_output;

/* Opens a model file, which stays mapped: replace it by rename only, never in place. Reads the
 * disk and prepares the model, which takes milliseconds.
 *   path         copied.
 *   options      NULL: the defaults.
 *   interpreter  out; NULL on failure. Release with godwit_interpreter_close.
 * GODWIT_NOT_FOUND, GODWIT_PERMISSION_DENIED, GODWIT_IO: the file cannot be read.
 * GODWIT_INVALID_ARGUMENT: not a valid model, or one that would break the interpreter.
 * GODWIT_RUNTIME_MISSING: no interpreter library; the message says how to get one.
 * GODWIT_UNIMPLEMENTED: the library has no kernel for one of the model's operators. */
GODWIT_API godwit_status godwit_interpreter_open(const char* path,
                                                 const godwit_interpreter_options* options,
                                                 godwit_interpreter** interpreter,
                                                 godwit_error* error);

/* The same for a model in memory, which is copied. */
GODWIT_API godwit_status godwit_interpreter_open_bytes(const void* model, size_t size_bytes,
                                                       const godwit_interpreter_options* options,
                                                       godwit_interpreter** interpreter,
                                                       godwit_error* error);

/* NULL is allowed. */
GODWIT_API void godwit_interpreter_close(godwit_interpreter* interpreter);

GODWIT_API size_t godwit_interpreter_input_count(const godwit_interpreter* interpreter);
GODWIT_API size_t godwit_interpreter_output_count(const godwit_interpreter* interpreter);

/* Describes an input; zeroed on failure. GODWIT_INVALID_ARGUMENT: no such index. */
GODWIT_API godwit_status godwit_interpreter_input(const godwit_interpreter* interpreter,
                                                  size_t index, godwit_tensor* tensor,
                                                  godwit_error* error);
/* Describes an output. A size that only a run tells is as of the last one. */
GODWIT_API godwit_status godwit_interpreter_output(const godwit_interpreter* interpreter,
                                                   size_t index, godwit_tensor* tensor,
                                                   godwit_error* error);

/* Runs once; blocks for the time of the work and allocates nothing.
 *   inputs        one for each input, in order, each of exactly its size.
 *   outputs       one for each output, each of exactly its size, filled; or none at all:
 *                 output_count 0, and read by godwit_interpreter_output_data. On failure they
 *                 may hold anything.
 * GODWIT_INVALID_ARGUMENT: a wrong count or size.
 * GODWIT_FAILED_PRECONDITION: the model does not run on these values, or an output's size
 * changed in this very run (read it by godwit_interpreter_output_data). */
GODWIT_API godwit_status godwit_interpreter_run(godwit_interpreter* interpreter,
                                                const godwit_input* inputs, size_t input_count,
                                                const godwit_output* outputs, size_t output_count,
                                                godwit_error* error);

/* The bytes of an output as the last run left them; borrowed until the next call on this
 * interpreter. NULL and 0 when there is no such output or it is empty. */
GODWIT_API const void* godwit_interpreter_output_data(const godwit_interpreter* interpreter,
                                                      size_t index, size_t* size_bytes);

/* Gives an input another shape; the others may change with it. On failure the old one stays.
 * GODWIT_INVALID_ARGUMENT: no such index, or the model does not take that shape. */
GODWIT_API godwit_status godwit_interpreter_resize_input(godwit_interpreter* interpreter,
                                                         size_t index, const int32_t* dimensions,
                                                         size_t dimension_count,
                                                         godwit_error* error);

GODWIT_API size_t godwit_interpreter_signature_count(const godwit_interpreter* interpreter);
/* The key of a signature; borrowed until the close; NULL past the last one. */
GODWIT_API const char* godwit_interpreter_signature_key(const godwit_interpreter* interpreter,
                                                        size_t index);
/* Turns to another signature (NULL: the primary inputs and outputs). The model's variables keep
 * their state. GODWIT_NOT_FOUND: it has none of that name. */
GODWIT_API godwit_status godwit_interpreter_select_signature(godwit_interpreter* interpreter,
                                                             const char* key, godwit_error* error);

/* From the model's metadata, by index of a primary output: how many labels it has (0: none),
 * and one of them; borrowed until the close; NULL past the last one. */
GODWIT_API size_t godwit_interpreter_label_count(const godwit_interpreter* interpreter,
                                                 size_t output);
GODWIT_API const char* godwit_interpreter_label(const godwit_interpreter* interpreter,
                                                size_t output, size_t index);
/* By index of a primary input: the number of channels that *mean and *deviation have values for
 * (0: none, 1: one for all); borrowed until the close. input = (value - mean) / deviation. */
GODWIT_API size_t godwit_interpreter_normalization(const godwit_interpreter* interpreter,
                                                   size_t input, const float** mean,
                                                   const float** deviation);

/* "2.21.0": the version that the interpreter library tells; borrowed until the close. */
GODWIT_API const char* godwit_interpreter_runtime_version(const godwit_interpreter* interpreter);

/* Converts numbers to and from what the tensor stores (rounded, clamped, by its scale and zero
 * point). count numbers; size_bytes must be exactly their room.
 * GODWIT_INVALID_ARGUMENT: it is not. GODWIT_UNIMPLEMENTED: a type that holds no numbers. */
GODWIT_API godwit_status godwit_tensor_store(const godwit_tensor* tensor, const float* numbers,
                                             size_t count, void* data, size_t size_bytes,
                                             godwit_error* error);
GODWIT_API godwit_status godwit_tensor_load(const godwit_tensor* tensor, const void* data,
                                            size_t size_bytes, float* numbers, size_t count,
                                            godwit_error* error);

/* How a new version is tried before a client switches to it. Zeros and NULLs: the defaults. */
typedef struct godwit_inference_gate_options {
  uint32_t version;         /* GODWIT_INFERENCE_GATE_OPTIONS_VERSION. */
  const char* library_path; /* Of the interpreter; NULL: searched for. */
  const char* helper_path;  /* Of the program godwit-gate; NULL: GODWIT_GATE_PROGRAM, then beside
                             * this library and the program. */
  int32_t threads;          /* For one run; 0: one. */
  float absolute_tolerance; /* Where the golden inputs say none; both 0: 0.001 and 0.01. */
  float relative_tolerance;
  uint32_t latency_budget_ms; /* Where the golden inputs say none; 0: none. */
  uint32_t cpu_seconds_max;   /* Of the child; 0: 60. */
  uint64_t memory_max_bytes;  /* Of the child, on top of the interpreter; 0: 2 GiB. */
  uint32_t timeout_ms;        /* Of the child; 0: 120000. */
  int32_t in_process;         /* Not 0: no child, even where one can be had. */
} godwit_inference_gate_options;

#define GODWIT_INFERENCE_GATE_OPTIONS_VERSION 1
#define GODWIT_INFERENCE_GATE_OPTIONS_INIT \
  {GODWIT_INFERENCE_GATE_OPTIONS_VERSION, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0}

/* A godwit_gate_callback for godwit_client_options.gate; gate_user_data is NULL or the options
 * above, which must outlive the client. Checks the file's structure, operators and types, then
 * loads the model and runs it on the version's golden inputs in a child process (godwit-gate) with
 * limits of memory and time and, on Linux, a filter of system calls. Without the program it runs
 * in this process; libgodwit counts if that ends it. Safe to use from any thread; blocks for as
 * long as the runs take.
 * GODWIT_GATE_REFUSED: the model is damaged, dangerous, not loadable, crashes, asks for too much,
 * is wrong or too slow; candidate->reason and the message say which.
 * GODWIT_RUNTIME_MISSING, GODWIT_RESOURCE_EXHAUSTED, …: it could not be tried. */
GODWIT_API godwit_status godwit_inference_gate(const godwit_gate_candidate* candidate,
                                               void* user_data, godwit_error* error);

#ifdef __cplusplus
}
#endif

#endif /* GODWIT_INFERENCE_H_ */
