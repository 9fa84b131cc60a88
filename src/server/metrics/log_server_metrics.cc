#include "server/metrics/log_server_metrics.h"

#include <atomic>
#include <system_error>

#include "server/metrics/process_use.h"
#include "server/metrics/request_metrics.h"

namespace aiflow::server {
namespace {

double DirectorySize(const std::filesystem::path& path) {
  double size = 0;
  std::error_code error;
  std::filesystem::directory_iterator it(path, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    size += FileSize(it->path());
  }
  return size;
}

void AddLog(const LogServerSources& sources, MetricPage& page) {
  const LogService& log = sources.log;
  const LogCounters& counters = log.counters();
  const LogQueue queue = log.queue();
  page.Gauge("aiflow_log_head_offset", "Offset of the last event.", Number(log.head()));
  page.Gauge("aiflow_log_first_offset", "Offset of the oldest event kept.", Number(log.first()));
  page.Gauge("aiflow_log_size_bytes", "Size of the files of the event log.",
             DirectorySize(sources.log_directory));
  page.Gauge("aiflow_log_queue_events", "Events that wait to be written.", Number(queue.events));
  page.Gauge("aiflow_log_queue_bytes", "Size of the events that wait to be written.",
             Number(queue.bytes));
  page.Gauge("aiflow_log_polls", "Calls that wait for an event.", Number(queue.polls));
  page.Counter("aiflow_log_appended_events_total", "Events stored.", Number(counters.appended));
  page.Counter("aiflow_log_duplicate_events_total", "Repeated events, answered without a write.",
               Number(counters.duplicates));
  page.Counter("aiflow_log_refused_events_total",
               "Events refused for want of room in the queue or on the disk.",
               Number(counters.refused));
  page.Counter("aiflow_log_syncs_total", "Group commits, each with one sync.",
               Number(counters.batches));
  page.Counter("aiflow_log_failed_syncs_total", "Group commits that failed.",
               Number(counters.failed_batches));
  page.Histogram("aiflow_log_write_seconds", "Duration of a group commit, its sync included.",
                 counters.write);
  page.Histogram("aiflow_log_append_seconds",
                 "From the acceptance of an event until it is durable.", counters.append);
}

void AddDisk(const DiskReport& report, MetricPage& page) {
  page.Gauge("aiflow_disk_size_bytes", "Size of the file system of the home.",
             Number(report.space.size));
  page.Gauge("aiflow_disk_free_bytes", "Free space of the file system of the home.",
             Number(report.space.free));
  page.Gauge("aiflow_disk_free_inodes", "Free inodes of the file system of the home.",
             Number(report.space.free_inodes));
  page.Gauge("aiflow_disk_reserve_bytes", "Free space below which there is an alarm.",
             Number(report.reserve));
  page.Gauge("aiflow_disk_alarm", "0: fine, 1: little space, 2: what is new is refused.",
             static_cast<double>(report.level));
}

void AddProcess(MetricPage& page) {
  const ProcessUse use = ReadProcessUse();
  page.Counter("process_cpu_seconds_total", "Processor time used.", use.cpu_seconds);
  page.Gauge("process_resident_memory_bytes", "Memory in use.", Number(use.resident_bytes));
  page.Gauge("process_virtual_memory_bytes", "Address space in use.", Number(use.virtual_bytes));
  page.Gauge("process_start_time_seconds", "Start of the process, since 1970.", use.start_seconds);
  page.Gauge("process_threads", "Threads.", Number(use.threads));
  page.Gauge("process_open_fds", "Open file descriptors.", Number(use.open_files));
  if (use.max_files.has_value()) {
    page.Gauge("process_max_fds", "File descriptors that may be open.", Number(*use.max_files));
  }
}

}  // namespace

double FileSize(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<double>(size);
}

void AddLogServer(const LogServerSources& sources, MetricPage& page) {
  page.Gauge("aiflow_build_info", "1; the version is a label.", 1, {{"version", sources.version}});
  AddLog(sources, page);
  AddRequests(sources.calls, sources.requests, page);
  AddDisk(sources.disk.Look(), page);
  AddProcess(page);
}

}  // namespace aiflow::server
