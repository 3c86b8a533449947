// AppGate: what libgodwit asks before a switch: is the file a sound model, and does the app agree?
#pragma once

#include "device/activation_gate.h"
#include "fs/file_system.h"
#include "godwit/gate.h"

namespace godwit::capi {

// Thread-safe if the callback is.
class AppGate final : public ActivationGate {
 public:
  // fs is borrowed. callback may be NULL: then the structure alone decides.
  AppGate(FileSystem& fs, godwit_gate_callback callback, void* user_data)
      : fs_(fs), callback_(callback), user_data_(user_data) {}

  GateVerdict Check(const GateCandidate& candidate) override;

  // Reading a structure is none; what a callback does, nobody knows.
  bool runs_models() const override { return callback_ != nullptr; }

 private:
  GateVerdict CheckStructure(const GateCandidate& candidate);
  GateVerdict AskApp(const GateCandidate& candidate);

  FileSystem& fs_;
  const godwit_gate_callback callback_;
  void* const user_data_;
};

}  // namespace godwit::capi
