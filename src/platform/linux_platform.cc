// What Linux says of the device: NetworkManager, UPower and logind, over sd-bus.
//
// One thread owns the connection, because sd-bus is not thread-safe. It reads all properties when
// it connects and after every signal of change, which costs less code than reading signals.
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "platform/platform.h"
#include "platform/sd_bus.h"

namespace godwit {
namespace {

constexpr uint64_t kCallTimeoutUs = 2'000'000;
constexpr int kReconnectMs = 30'000;

struct Service {
  const char* name;
  const char* path;
  const char* interface;
};
constexpr Service kNetworkManager = {"org.freedesktop.NetworkManager",
                                     "/org/freedesktop/NetworkManager",
                                     "org.freedesktop.NetworkManager"};
constexpr Service kUPower = {"org.freedesktop.UPower", "/org/freedesktop/UPower",
                             "org.freedesktop.UPower"};
constexpr Service kLogind = {"org.freedesktop.login1", "/org/freedesktop/login1",
                             "org.freedesktop.login1.Manager"};

// Each service's changes, and its coming and going.
constexpr const char* kMatches[] = {
    "type='signal',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
    "path='/org/freedesktop/NetworkManager'",
    "type='signal',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
    "path='/org/freedesktop/UPower'",
    "type='signal',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
    "path='/org/freedesktop/login1'",
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
    "arg0='org.freedesktop.NetworkManager'",
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
    "arg0='org.freedesktop.UPower'",
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
    "arg0='org.freedesktop.login1'",
};

Answer YesIf(bool yes) { return yes ? Answer::kYes : Answer::kNo; }

// NMMetered: 0 unknown, 1 yes, 2 no, 3 guessed yes, 4 guessed no.
Answer ReadMetered(uint32_t metered) {
  if (metered == 1 || metered == 3) return Answer::kYes;
  return metered == 2 || metered == 4 ? Answer::kNo : Answer::kUnknown;
}

// One connection to the bus. For one thread.
class Bus {
 public:
  explicit Bus(const SdBus& library) : library_(library) {}
  ~Bus() {
    if (bus_ != nullptr) library_.close_unref(bus_);
  }
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  bool Connect() {
    if (library_.open_system(&bus_) < 0) return false;
    library_.set_method_call_timeout(bus_, kCallTimeoutUs);
    return std::all_of(std::begin(kMatches), std::end(kMatches), [this](const char* match) {
      return library_.add_match(bus_, nullptr, match, &OnSignal, this) >= 0;
    });
  }

  DeviceState Read() const {
    DeviceState state;
    uint32_t metered = 0;
    if (Get(kNetworkManager, "Metered", 'u', &metered)) state.metered = ReadMetered(metered);
    char* type = nullptr;
    if (library_.get_property_string(bus_, kNetworkManager.name, kNetworkManager.path,
                                     kNetworkManager.interface, "PrimaryConnectionType", nullptr,
                                     &type) >= 0) {
      state.on_wifi = YesIf(std::strcmp(type, "802-11-wireless") == 0);
      std::free(type);
    }
    int truth = 0;
    if (Get(kUPower, "OnBattery", 'b', &truth)) state.charging = YesIf(truth == 0);
    if (Get(kLogind, "IdleHint", 'b', &truth)) state.idle = YesIf(truth != 0);
    return state;
  }

  // Takes what has arrived. False when the connection is over.
  bool Process() {
    int result = 0;
    while ((result = library_.process(bus_, nullptr)) > 0) {
    }
    return result == 0;
  }

  // Whether a signal came since the last call.
  bool TakeChanged() { return std::exchange(changed_, false); }

  // Blocks until there is something to process or the descriptor is readable.
  void Poll(int descriptor) const {
    pollfd ready[] = {
        {library_.get_fd(bus_), static_cast<short>(std::max(library_.get_events(bus_), 0)), 0},
        {descriptor, POLLIN, 0}};
    (void)::poll(ready, std::size(ready), TimeoutMs());
  }

 private:
  static int OnSignal(sd_bus_message*, void* self, sd_bus_error*) {
    static_cast<Bus*>(self)->changed_ = true;
    return 0;
  }

  bool Get(const Service& service, const char* property, char type, void* out) const {
    return library_.get_property_trivial(bus_, service.name, service.path, service.interface,
                                         property, nullptr, type, out) >= 0;
  }

  // Until sd-bus wants to be called without a byte from the bus; -1: never.
  int TimeoutMs() const {
    uint64_t deadline_us = 0;
    if (library_.get_timeout(bus_, &deadline_us) < 0 || deadline_us == UINT64_MAX) return -1;
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const uint64_t now_us =
        static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
    if (deadline_us <= now_us) return 0;
    return static_cast<int>(std::min<uint64_t>((deadline_us - now_us) / 1000 + 1, 60'000));
  }

  const SdBus& library_;
  sd_bus* bus_ = nullptr;
  bool changed_ = false;
};

class LinuxPlatform final : public Platform {
 public:
  ~LinuxPlatform() override {
    if (!thread_.joinable()) return;
    const uint64_t one = 1;
    stopping_ = true;
    (void)!::write(wake_, &one, sizeof one);
    thread_.join();
    ::close(wake_);
  }

  DeviceState State() override {
    std::unique_lock lock(mutex_);
    if (!started_) Start();
    known_.wait(lock, [this] { return read_once_; });
    return state_;
  }

  void OnChange(std::function<void()> listener) override {
    const std::lock_guard lock(listener_mutex_);
    listener_ = std::move(listener);
  }

 private:
  // REQUIRES: mutex_ is held.
  void Start() {
    started_ = true;
    read_once_ = !library_.Load();
    if (read_once_) return;
    wake_ = ::eventfd(0, EFD_CLOEXEC);
    read_once_ = wake_ < 0;
    if (wake_ >= 0) thread_ = std::thread([this] { Run(); });
  }

  void Run() {
    while (!stopping_) {
      Listen();
      Publish({});
      pollfd stop{wake_, POLLIN, 0};
      if (!stopping_) (void)::poll(&stop, 1, kReconnectMs);
    }
  }

  // Returns when the connection is over, or could not be had.
  void Listen() {
    Bus bus(library_);
    if (!bus.Connect()) return;
    Publish(bus.Read());
    while (!stopping_ && bus.Process()) {
      if (bus.TakeChanged()) {
        Publish(bus.Read());
        continue;  // A signal that came while it read waits in sd-bus, not in the socket.
      }
      bus.Poll(wake_);
    }
  }

  void Publish(const DeviceState& state) {
    {
      const std::lock_guard lock(mutex_);
      const bool news = read_once_ && !(state == state_);
      state_ = state;
      read_once_ = true;
      known_.notify_all();
      if (!news) return;
    }
    const std::lock_guard lock(listener_mutex_);
    if (listener_) listener_();
  }

  SdBus library_{};
  std::mutex mutex_;
  std::condition_variable known_;
  bool started_ = false;    // Guarded by mutex_, as are these two.
  bool read_once_ = false;  // Whatever came of it.
  DeviceState state_;
  std::mutex listener_mutex_;  // Held while the listener is called.
  std::function<void()> listener_;
  std::atomic<bool> stopping_ = false;
  int wake_ = -1;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Platform> NewSystemPlatform() { return std::make_unique<LinuxPlatform>(); }

}  // namespace godwit
