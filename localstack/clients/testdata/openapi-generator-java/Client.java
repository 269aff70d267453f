import org.openapitools.client.ApiClient;
import org.openapitools.client.api.CommandsApi;
import org.openapitools.client.api.ViewsApi;
import org.openapitools.client.model.Accepted;
import org.openapitools.client.model.CommandCreateUser;
import org.openapitools.client.model.CreateUserRequest;
import org.openapitools.client.model.ViewUsers;

/** Creates a user and reads it back at once. */
public class Client {
	public static void main(String[] args) throws Exception {
		ApiClient client = new ApiClient();
		client.updateBaseUri(args[0]);
		CommandCreateUser user = new CommandCreateUser().name("Ada").email("java@example.com");
		Accepted accepted = new CommandsApi(client).createUser(new CreateUserRequest().id("java").payload(user), "java-1", null, null, null, null);
		ViewUsers row = new ViewsApi(client).getUsers("java", accepted.getToken(), null, null);
		System.out.println(row.getName() + " " + row.getVersion());
		if (!row.getName().equals("Ada") || row.getVersion() != 1) {
			System.exit(1);
		}
	}
}
