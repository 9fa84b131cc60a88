#include "cli/event_use.h"
#include "cli/text.h"

namespace aiflow::cli {
namespace {

struct ConsumerArgs {
  std::string name;
  std::string server_uri;
  int64_t begin_offset = 0;
  bool from_now = false;
  bool yes = false;
  std::string format;
};

Table ToTable(const std::vector<v1::Consumer>& consumers) {
  Table table{.columns = {{"name", false, true}, "cursor", "lag", "create_time", "commit_time"},
              .rows = {}};
  for (const v1::Consumer& consumer : consumers) {
    table.rows.push_back({consumer.name(), std::to_string(consumer.cursor()),
                          std::to_string(consumer.lag()), TimeOrNone(consumer.create_time()),
                          TimeOrNone(consumer.commit_time())});
  }
  return table;
}

}  // namespace

void AddConsumerCommands(CLI::App& group, CommandSlot& slot, ConnectEvents connect, bool with_uri) {
  const auto declare = [with_uri](CLI::App& command, ConsumerArgs& args) {
    if (with_uri) {
      command.add_option("-s,--server-uri", args.server_uri,
                         "host:port of the notification server; that of the home by default");
    }
  };
  AddCommand<ConsumerArgs>(
      group, slot, "delete", "Delete a consumer: what it has not read may be removed",
      [declare](CLI::App& command, ConsumerArgs& args) {
        command.add_option("NAME", args.name, "Its name")->required();
        declare(command, args);
        AddYesOption(command, args.yes);
      },
      [connect](Session& session, const ConsumerArgs& args) {
        if (!session.Confirm("Delete the consumer " + args.name + "?", args.yes)) {
          return int{kExitError};
        }
        const Result<EventClient*> client = connect(session, args.server_uri);
        if (!client) return session.Fail(client.error());
        const Status deleted = (*client)->DeleteConsumer(args.name);
        if (!deleted.ok()) return session.Fail(deleted);
        session.output().Line("Consumer: " + args.name + " deleted.");
        return int{kExitOk};
      });
  AddCommand<ConsumerArgs>(
      group, slot, "list", "List the consumers and how far each lags behind the log's end",
      [declare](CLI::App& command, ConsumerArgs& args) {
        declare(command, args);
        AddFormatOption(command, args.format);
      },
      [connect](Session& session, const ConsumerArgs& args) {
        const Result<EventClient*> client = connect(session, args.server_uri);
        if (!client) return session.Fail(client.error());
        const auto consumers = (*client)->ListConsumers();
        if (!consumers) return session.Fail(consumers.error());
        session.output().Print(ToTable(*consumers), *ParseFormat(args.format));
        return int{kExitOk};
      });
  AddCommand<ConsumerArgs>(
      group, slot, "register", "Register a consumer; one that is there stays as it is",
      [declare](CLI::App& command, ConsumerArgs& args) {
        command.add_option("NAME", args.name, "Its name")->required();
        declare(command, args);
        command.add_option("--begin-offset", args.begin_offset,
                           "Begin after this offset; 0: with the first event");
        command.add_flag("--from-now", args.from_now, "Begin with what comes from now on");
      },
      [connect](Session& session, const ConsumerArgs& args) {
        const Result<EventClient*> client = connect(session, args.server_uri);
        if (!client) return session.Fail(client.error());
        v1::RegisterConsumerRequest request;
        request.set_name(args.name);
        request.set_after_offset(args.begin_offset);
        request.set_from_now(args.from_now);
        const auto consumer = (*client)->RegisterConsumer(request);
        if (!consumer) return session.Fail(consumer.error());
        session.output().Line("Consumer: " + consumer->name() +
                              " registered, goes on after offset " +
                              std::to_string(consumer->cursor()) + ".");
        return int{kExitOk};
      });
}

}  // namespace aiflow::cli
