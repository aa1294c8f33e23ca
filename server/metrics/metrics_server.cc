#include "server/metrics/metrics_server.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/log.h"

namespace curatord {
namespace {

constexpr char kContentType[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr int kTimeoutSeconds = 10;
// Prometheus sends a few hundred bytes and no body.
constexpr ev_ssize_t kMaxHeaders = 8192;
constexpr ev_ssize_t kMaxBody = 1024;

}  // namespace

// libevent's objects, destroyed in reverse order of their making.
class MetricsServer::Loop {
 public:
  explicit Loop(std::function<std::string()> text)
      : text_(std::move(text)), stop_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Loop() {
    if (http_ != nullptr) evhttp_free(http_);
    if (stop_event_ != nullptr) event_free(stop_event_);
    if (base_ != nullptr) event_base_free(base_);
    if (stop_fd_ >= 0) ::close(stop_fd_);
  }

  absl::Status Listen(const curator::core::Endpoint& address) {
    event_set_log_callback([](int, const char* message) {
      LogDebug("metrics server", {{"libevent", message}});
    });
    base_ = event_base_new();
    if (base_ == nullptr || stop_fd_ < 0) return absl::InternalError("cannot make an event loop");
    // Never read: once stopped, it ends every later loop at once as well.
    stop_event_ = event_new(
        base_, stop_fd_, EV_READ | EV_PERSIST,
        [](evutil_socket_t, short, void* base) {  // NOLINT(google-runtime-int): libevent's type
          event_base_loopbreak(static_cast<event_base*>(base));
        },
        base_);
    http_ = evhttp_new(base_);
    if (stop_event_ == nullptr || event_add(stop_event_, nullptr) != 0 || http_ == nullptr) {
      return absl::InternalError("cannot make an HTTP server");
    }
    evhttp_set_allowed_methods(http_, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_timeout(http_, kTimeoutSeconds);
    evhttp_set_max_headers_size(http_, kMaxHeaders);
    evhttp_set_max_body_size(http_, kMaxBody);
    evhttp_set_cb(
        http_, "/metrics",
        [](evhttp_request* request, void* self) { static_cast<Loop*>(self)->Answer(request); },
        this);
    errno = 0;
    if (evhttp_bind_socket(http_, address.host.c_str(), static_cast<ev_uint16_t>(address.port)) !=
        0) {
      return absl::FailedPreconditionError(
          absl::StrCat("cannot serve metrics on ", address.ToString(), ": ",
                       errno != 0 ? std::strerror(errno) : "no such address"));
    }
    return absl::OkStatus();
  }

  absl::Status Run() {
    if (event_base_dispatch(base_) < 0) return absl::InternalError("the event loop failed");
    return absl::OkStatus();
  }

  void Stop() {
    const uint64_t one = 1;
    // Cannot fail but by overflow, and then it is readable already.
    if (::write(stop_fd_, &one, sizeof(one)) < 0) LogDebug("metrics server stopped again");
  }

 private:
  void Answer(evhttp_request* request) {
    const std::string text = text_();
    evbuffer_add(evhttp_request_get_output_buffer(request), text.data(), text.size());
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", kContentType);
    evhttp_send_reply(request, HTTP_OK, nullptr, nullptr);
  }

  const std::function<std::string()> text_;
  const int stop_fd_;
  event_base* base_ = nullptr;
  event* stop_event_ = nullptr;
  evhttp* http_ = nullptr;
};

MetricsServer::MetricsServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

MetricsServer::~MetricsServer() = default;

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Listen(
    const curator::core::Endpoint& address, std::function<std::string()> text) {
  auto loop = std::make_unique<Loop>(std::move(text));
  if (absl::Status listening = loop->Listen(address); !listening.ok()) return listening;
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(loop)));
}

absl::Status MetricsServer::Run() { return loop_->Run(); }

void MetricsServer::Stop() { loop_->Stop(); }

}  // namespace curatord
